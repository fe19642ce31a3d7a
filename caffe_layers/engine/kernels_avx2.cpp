// CMakeLists.txt compiles this file with -mavx2 -mfma.
#define DRDL_KERNELS avx2
#include "kernels.inc"
