// What kernels see: qualifiers, indices, barriers, shuffles and atomics.
#ifndef CUDA_ON_CPU_KERNEL_HPP_
#define CUDA_ON_CPU_KERNEL_HPP_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "cuda_on_cpu/kernel_calls.hpp"

namespace cuda_on_cpu {

template <typename T>
T ShuffleAs(unsigned mask, T value, int from, const char* file, int line) {
  static_assert(sizeof(T) <= 8, "one register, or two");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = Shuffle(mask, bits, from, file, line);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline int Lane() {
  const dim3 size = builtins.block_dim;
  const uint3 t = builtins.thread;
  return (t.x + size.x * (t.y + size.y * t.z)) % 32;
}

}  // namespace cuda_on_cpu

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // blocks run one after the other

inline constexpr uint3& threadIdx = cuda_on_cpu::builtins.thread;
inline constexpr uint3& blockIdx = cuda_on_cpu::builtins.block;
inline constexpr dim3& blockDim = cuda_on_cpu::builtins.block_dim;
inline constexpr dim3& gridDim = cuda_on_cpu::builtins.grid_dim;

// Where a kernel calls, for reports.
#define CUDA_ON_CPU_SITE \
  const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(CUDA_ON_CPU_SITE) {
  cuda_on_cpu::Barrier(0, file, line);
}
inline int __syncthreads_or(int value, CUDA_ON_CPU_SITE) {
  return cuda_on_cpu::Barrier(value, file, line);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, CUDA_ON_CPU_SITE) {
  return cuda_on_cpu::ShuffleAs(mask, value, cuda_on_cpu::Lane() ^ lanes, file,
                                line);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, int delta, CUDA_ON_CPU_SITE) {
  const int lane = cuda_on_cpu::Lane();
  return cuda_on_cpu::ShuffleAs(
      mask, value, lane + delta < 32 ? lane + delta : lane, file, line);
}

// Between two threads of one program nothing else runs: these are atomic.
template <typename T, typename V>
__attribute__((no_sanitize("thread"))) T atomicAdd(T* address, V value) {
  cuda_on_cpu::Atomic(address, sizeof(T));
  const T old = *address;
  *address = old + static_cast<T>(value);
  return old;
}
template <typename T, typename C, typename V>
__attribute__((no_sanitize("thread"))) T atomicCAS(T* address, C compare,
                                                   V value) {
  cuda_on_cpu::Atomic(address, sizeof(T));
  const T old = *address;
  if (old == static_cast<T>(compare)) *address = static_cast<T>(value);
  return old;
}
inline double __longlong_as_double(long long bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline long long __double_as_longlong(double value) {
  long long bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
using std::max;
using std::min;

#endif  // CUDA_ON_CPU_KERNEL_HPP_
