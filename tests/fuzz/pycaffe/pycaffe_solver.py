"""pycaffe_solver.py SOLVER [STATE]: makes a solver, restores it, steps once."""

import sys

import caffe

try:
    solver = caffe.get_solver(sys.argv[1])
    if len(sys.argv) > 2:
        solver.restore(sys.argv[2])
    solver.step(1)
    solver.snapshot()
except RuntimeError as error:
    print(f"error: {error}")
    sys.exit(1)
except MemoryError:  # Python's own word for it
    print("error: no memory\n  where: here\n  next: take a smaller net")
    sys.exit(1)
except KeyboardInterrupt:  # it went on, as asked
    sys.exit(0)
