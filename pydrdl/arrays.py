"""Types of arrays, by what they hold; shapes stand in the docstrings."""

import numpy as np
from numpy.typing import NDArray

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Floats = NDArray[np.float32] | NDArray[np.float16]
Int = NDArray[np.int64]
Pixels = NDArray[np.uint8]
