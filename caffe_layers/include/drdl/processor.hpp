#ifndef DRDL_PROCESSOR_HPP_
#define DRDL_PROCESSOR_HPP_

namespace drdl {

/// Whether the processor and the system have AVX2 and FMA.
inline bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/// Whether they have AVX-512 as Xeons since Skylake do, beside those.
inline bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

}  // namespace drdl

#endif  // DRDL_PROCESSOR_HPP_
