#ifndef CUDA_ON_CPU_RUNTIME_HPP_
#define CUDA_ON_CPU_RUNTIME_HPP_

#include "cuda_runtime.h"

namespace cuda_on_cpu {

/// What cudaGetLastError returns next, in this host thread.
void SetLastError(cudaError_t error);

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_RUNTIME_HPP_
