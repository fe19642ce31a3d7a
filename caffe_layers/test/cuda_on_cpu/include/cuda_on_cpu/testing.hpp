// What tests change while a process runs.
#ifndef CUDA_ON_CPU_TESTING_HPP_
#define CUDA_ON_CPU_TESTING_HPP_

#include <string>

#include "cublas_v2.h"
#include "cuda_runtime.h"

namespace cuda_on_cpu {

/// From now on every call that needs a driver returns this; cudaSuccess: as
/// before.
void FailEveryCall(cudaError_t error);

/// How often the host waited for the device so far: copies to and from it,
/// results of cuBLAS on the host, synchronisation, memory given back.
long HostWaits();
/// How many bytes were copied from the host to the device so far, by all
/// threads.
long BytesToDevice();
/// How many kernels of this name were launched so far; of any, if it is empty.
long Launches(const std::string& kernel = "");
/// Allocations of more bytes fail from now on, as where memory is full; 0:
/// none.
void FailAllocationsAbove(size_t bytes);
/// The math mode of cuBLAS's last matrix product.
cublasMath_t MathOfLastProduct();

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_TESTING_HPP_
