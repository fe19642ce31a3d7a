#ifndef CUDA_ON_CPU_ACCESSES_HPP_
#define CUDA_ON_CPU_ACCESSES_HPP_

#include <cstddef>

namespace cuda_on_cpu {

/// An access that instrumented code is about to make, checked where it is a
/// kernel's: whose memory, bounds, whether it was written, races.
void Touch(const void* pointer, size_t bytes, bool write, bool atomic,
           const void* pc);

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_ACCESSES_HPP_
