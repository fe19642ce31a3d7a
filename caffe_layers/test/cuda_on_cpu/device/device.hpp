// What the stand-ins for CUDA's libraries need of the device.
#ifndef CUDA_ON_CPU_DEVICE_HPP_
#define CUDA_ON_CPU_DEVICE_HPP_

#include <functional>

#include "cuda_runtime.h"

namespace cuda_on_cpu {

/// The number of the device that this host thread has set.
int CurrentDevice();

/// Does the work in its turn on the stream, as this host thread's device: at
/// once, or with CUDA_ON_CPU_LATE=1 when the host waits for it.
void Enqueue(cudaStream_t stream, std::function<void()> work);
/// Does all work of the stream that is left.
void Drain(cudaStream_t stream);
/// The host waits for it: the same, and is counted.
void HostWait(cudaStream_t stream);

/// A library reads device memory.
void Uses(const void* from, size_t bytes);
/// A library writes device memory; false where it must not, which is reported.
bool Defines(void* to, size_t bytes);

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_DEVICE_HPP_
