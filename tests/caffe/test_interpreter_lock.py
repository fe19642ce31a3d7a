"""pycaffe gives Python's interpreter lock away for a pass, and takes it back.

Without it a pass must not touch Python: what would go wrong ends the process,
so that the nets here run in children.
"""

import pytest
from commands import python, run
from helpers import caffe  # noqa: F401  skips without pycaffe

COMMON = """
import sys, tempfile, threading
import numpy as np
import caffe

def open_net(text, phase=caffe.TEST):
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(text)
        file.flush()
        return caffe.Net(file.name, phase)

NET = '''
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 16 dim: 64 dim: 12 dim: 12 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 64 kernel_size: 5
    weight_filler { type: "gaussian" std: 0.1 } } }
'''
PYTHON = '''
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 } } }
layer { name: "twice" type: "Python" bottom: "data" top: "twice"
  python_param { module: "__main__" layer: "Twice" } }
'''

class Twice(caffe.Layer):
    fails = False
    def setup(self, bottom, top):
        pass
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        if Twice.fails:
            raise KeyError("of the layer")
        top[0].data[...] = 2 * bottom[0].data
    def backward(self, top, propagate_down, bottom):
        if Twice.fails:
            raise KeyError("of the layer")
        bottom[0].diff[...] = 2 * top[0].diff
"""

# Nobody takes the lock from a thread that does not give it away. A waiting
# thread may need some passes to wake up in one.
RUNS_MEANWHILE = """
sys.setswitchinterval(1e6)
net = open_net(NET)
last = len(net.layers) - 1
for run in (net._forward, net._backward):
    first, second = (0, last) if run == net._forward else (last, 0)
    ran, go = [], threading.Event()
    thread = threading.Thread(target=lambda: (go.wait(), ran.append(True)))
    thread.start()
    go.set()
    for _ in range(500):
        run(first, second)
        if ran:
            break
    assert ran
    thread.join()
"""

CALLBACKS = """
net = open_net(NET)
calls = []
for name in ("before_forward", "after_forward", "before_backward", "after_backward"):
    getattr(net, name)(lambda layer, name=name: calls.append((name, layer)))
net.forward()
net.backward()
assert calls == [
    ("before_forward", 0), ("after_forward", 0),
    ("before_forward", 1), ("after_forward", 1),
    ("before_backward", 1), ("after_backward", 1),
    ("before_backward", 0), ("after_backward", 0),
], calls
"""

LAYERS = """
net = open_net(PYTHON)
values = np.arange(6.0).reshape(2, 3)
net.blobs["data"].data[...] = values
np.testing.assert_array_equal(net.forward()["twice"], 2 * values)
net.blobs["twice"].diff[...] = values
np.testing.assert_array_equal(net.backward()["data"], 2 * values)
Twice.fails = True
for run in (net.forward, net.backward):
    try:
        run()
    except KeyError as error:
        assert error.args == ("of the layer",)
    else:
        raise AssertionError("the layer's error was lost")
Twice.fails = False
np.testing.assert_array_equal(net.forward()["twice"], 2 * values)
"""

THREADS = """
sys.setswitchinterval(1e-5)
wrong = []
def work(value):
    net = open_net(PYTHON)
    for step in range(300):
        net.blobs["data"].data[...] = value + step
        if (net.forward()["twice"] != 2 * (value + step)).any():
            wrong.append((value, step))
threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not wrong, wrong[:3]
"""


@pytest.mark.parametrize(
    "code",
    [RUNS_MEANWHILE, CALLBACKS, LAYERS, THREADS],
    ids=["others_run_meanwhile", "callbacks", "layers", "a_net_a_thread"],
)
def test_a_pass_and_python(code: str) -> None:
    whole = COMMON + code + "print('reached the end')"
    done = run(*python(whole), GLOG_minloglevel="2", OPENBLAS_NUM_THREADS="1")
    assert (done.returncode, done.stdout) == (0, "reached the end\n"), done.stderr
