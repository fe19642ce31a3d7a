#define DRDL_KERNELS baseline
#include "kernels.inc"
