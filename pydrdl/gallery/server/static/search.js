// What goes beyond forms and links: dropping, pasting, drawing a box, keys, and
// feedback without a new page. Without this script everything else works.
"use strict";

const byId = (id) => document.getElementById(id);

function preparePhoto(form) {
  const input = byId("photo"), drop = byId("drop"), preview = byId("preview");
  const canvas = byId("canvas"), shown = byId("box-shown"), box = byId("box");
  let address = null, from = null;

  function show(file) {
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(file);
    preview.src = address;
    byId("chosen").hidden = false;
    drop.classList.add("small");
    draw(null);
  }

  function take(files) {
    const file = Array.from(files).find((f) => f.type.startsWith("image/"));
    if (!file) return;
    const held = new DataTransfer();
    held.items.add(file);
    input.files = held.files;
    show(file);
  }

  // A box in pixels of the photograph, as far as it lies in it.
  function draw(corners) {
    if (!corners) {
      shown.setAttribute("width", 0);
      shown.setAttribute("height", 0);
      box.value = "";
      return;
    }
    const rect = preview.getBoundingClientRect();
    const [x0, x1] = [corners[0], corners[2]].sort((a, b) => a - b);
    const [y0, y1] = [corners[1], corners[3]].sort((a, b) => a - b);
    shown.setAttribute("x", x0);
    shown.setAttribute("y", y0);
    shown.setAttribute("width", x1 - x0);
    shown.setAttribute("height", y1 - y0);
    const sx = preview.naturalWidth / rect.width, sy = preview.naturalHeight / rect.height;
    box.value = [x0 * sx, y0 * sy, x1 * sx, y1 * sy].map(Math.round).join(",");
  }

  function place(event) {
    const rect = preview.getBoundingClientRect();
    const inside = (value, most) => Math.min(Math.max(value, 0), most);
    return [inside(event.clientX - rect.left, rect.width),
            inside(event.clientY - rect.top, rect.height)];
  }

  input.addEventListener("change", () => input.files[0] && show(input.files[0]));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    from = place(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from) draw([...from, ...place(event)]);
  });
  canvas.addEventListener("pointerup", (event) => {
    const to = place(event);
    // A click takes the box away.
    if (from && Math.abs(to[0] - from[0]) < 5 && Math.abs(to[1] - from[1]) < 5) draw(null);
    from = null;
  });
  form.addEventListener("submit", () => { byId("busy").hidden = false; });
  window.addEventListener("pageshow", () => { byId("busy").hidden = true; });
}

async function say(form, same) {
  const item = form.closest("li");
  const fields = new URLSearchParams({
    query: item.dataset.query, row: item.dataset.row, same: String(same),
  });
  const answer = await fetch("/feedback", { method: "POST", body: fields });
  if (!answer.ok) return form.requestSubmit(form.elements.same[same ? 0 : 1]);
  item.classList.toggle("same", same);
  item.classList.toggle("other", !same);
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === String(same)));
  }
}

function prepareResults(list) {
  const items = Array.from(list.children);
  for (const form of list.querySelectorAll(".verdict")) {
    form.addEventListener("submit", (event) => {
      if (!event.submitter || form.dataset.plain) return;
      event.preventDefault();
      say(form, event.submitter.value === "true").catch(() => {
        form.dataset.plain = "1";
        form.requestSubmit(event.submitter);
      });
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const item = document.activeElement.closest("li[data-row]");
    const at = items.indexOf(item);
    const step = { ArrowRight: 1, ArrowLeft: -1, j: 1, k: -1 }[event.key];
    if (step && items.length) {
      event.preventDefault();
      items[Math.min(Math.max(at + step, 0), items.length - 1)].focus();
    } else if (item && (event.key === "y" || event.key === "n")) {
      // There are none where the gallery cannot be written.
      const button = item.querySelector(`button[value="${event.key === "y"}"]`);
      if (button) button.click();
    } else if (item && event.key === "Enter" && event.target === item) {
      item.querySelector(".like").click();
    } else if (event.key === "/") {
      event.preventDefault();
      location.href = "/";
    }
  });
}

const form = byId("search"), results = byId("results");
if (form) preparePhoto(form);
if (results) prepareResults(results);
