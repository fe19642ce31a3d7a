"""pycaffe_net.py NET [WEIGHTS]: opens a net and runs it once forwards and back."""

import sys

import caffe

try:
    net = caffe.Net(sys.argv[1], caffe.TRAIN)
    if len(sys.argv) > 2:
        net.copy_from(sys.argv[2])
    net.forward()
    net.backward()
    net.save("saved.caffemodel")
except RuntimeError as error:
    print(f"error: {error}")
    sys.exit(1)
except MemoryError:  # Python's own word for it
    print("error: no memory\n  where: here\n  next: take a smaller net")
    sys.exit(1)
