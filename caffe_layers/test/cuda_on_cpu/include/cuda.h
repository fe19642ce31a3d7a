// Stands in for CUDA's header of the same name.
#include "cuda_runtime.h"
