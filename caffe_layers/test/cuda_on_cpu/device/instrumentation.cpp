// The calls that g++ -fsanitize=thread puts before every access. There is no
// ThreadSanitizer behind them.

#include <cstddef>

#include "accesses.hpp"

#define CUDA_ON_CPU_TOUCH(name, bytes, write)                                \
  void __tsan_##name(void* p) {                                              \
    cuda_on_cpu::Touch(p, bytes, write, false, __builtin_return_address(0)); \
  }
#define CUDA_ON_CPU_READ_AND_WRITE(bytes)      \
  CUDA_ON_CPU_TOUCH(read##bytes, bytes, false) \
  CUDA_ON_CPU_TOUCH(write##bytes, bytes, true)
#define CUDA_ON_CPU_UNALIGNED(bytes)                     \
  CUDA_ON_CPU_TOUCH(unaligned_read##bytes, bytes, false) \
  CUDA_ON_CPU_TOUCH(unaligned_write##bytes, bytes, true)

extern "C" {
CUDA_ON_CPU_READ_AND_WRITE(1)
CUDA_ON_CPU_READ_AND_WRITE(2)
CUDA_ON_CPU_READ_AND_WRITE(4)
CUDA_ON_CPU_READ_AND_WRITE(8)
CUDA_ON_CPU_READ_AND_WRITE(16)
CUDA_ON_CPU_UNALIGNED(2)
CUDA_ON_CPU_UNALIGNED(4)
CUDA_ON_CPU_UNALIGNED(8)
CUDA_ON_CPU_UNALIGNED(16)
void __tsan_read_range(void* p, size_t bytes) {
  cuda_on_cpu::Touch(p, bytes, false, false, __builtin_return_address(0));
}
void __tsan_write_range(void* p, size_t bytes) {
  cuda_on_cpu::Touch(p, bytes, true, false, __builtin_return_address(0));
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

// The host's code in .cu files: counts of owners, guards of statics.
int __tsan_atomic32_fetch_add(volatile int* p, int value, int) {
  return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_fetch_sub(volatile int* p, int value, int) {
  return __atomic_fetch_sub(p, value, __ATOMIC_SEQ_CST);
}
char __tsan_atomic8_load(const volatile char* p, int) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_load(const volatile int* p, int) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
}
