// A page that is read from a disk may start no worker, and the site's search is one: here
// an invisible frame does its work.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) =>
        this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inside.document.createElement("script");
      script.src = url;
      const ready = new Promise((done) => script.addEventListener("load", done));
      inside.document.body.append(script);
      this.postMessage = (data) =>
        ready.then(() =>
          inside.dispatchEvent(new inside.MessageEvent("message", { data })));
    }
  };
}
