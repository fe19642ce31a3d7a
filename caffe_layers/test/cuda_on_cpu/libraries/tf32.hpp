// What a tensor core makes of float factors where TF32 is permitted.
#ifndef CUDA_ON_CPU_TF32_HPP_
#define CUDA_ON_CPU_TF32_HPP_

#include <cstdint>
#include <cstring>
#include <vector>

namespace cuda_on_cpu {

/// To 10 bits of mantissa, half away from zero (PTX: cvt.rna.tf32.f32).
inline float Tf32(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const bool finite = (bits & 0x7f800000) != 0x7f800000;
  if (finite) bits = (bits + 0x1000) & ~uint32_t{0x1fff};
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

/// A copy of the numbers, rounded to TF32.
inline std::vector<float> Tf32(const float* from, size_t n) {
  std::vector<float> rounded(n);
  for (size_t i = 0; i < n; ++i) rounded[i] = Tf32(from[i]);
  return rounded;
}

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_TF32_HPP_
