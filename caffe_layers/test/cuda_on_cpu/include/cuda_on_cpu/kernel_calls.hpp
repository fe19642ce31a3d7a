// What the device gives to kernel.hpp.
#ifndef CUDA_ON_CPU_KERNEL_CALLS_HPP_
#define CUDA_ON_CPU_KERNEL_CALLS_HPP_

#include <cstdint>

#include "cuda_on_cpu/dim3.hpp"

namespace cuda_on_cpu {

struct Builtins {
  uint3 thread, block;
  dim3 block_dim, grid_dim;
};
extern Builtins builtins;  // of the thread that runs now

/// The barrier of a block; returns whether any thread's value was not 0.
int Barrier(int value, const char* file, int line);
/// Every lane of mask gives its bits and takes those of lane `from`.
uint64_t Shuffle(unsigned mask, uint64_t bits, int from, const char* file,
                 int line);
/// The memory is about to be read and written in one step.
void Atomic(void* address, int bytes);

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_KERNEL_CALLS_HPP_
