// What tests change while a process runs.
#ifndef CUDA_ON_CPU_TESTING_HPP_
#define CUDA_ON_CPU_TESTING_HPP_

#include "cuda_runtime.h"

namespace cuda_on_cpu {

/// From now on every call that needs a driver returns this; cudaSuccess: as
/// before.
void FailEveryCall(cudaError_t error);

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_TESTING_HPP_
