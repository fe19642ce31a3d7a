// CMakeLists.txt compiles this file for AVX-512.
#define DRDL_KERNELS avx512
#include "kernels.inc"
