#include "drdl/engine/kernels.hpp"

#include <cstdlib>
#include <cstring>

namespace drdl {
namespace engine {

namespace {

bool TakesAvx2() {
  const char* wanted = std::getenv("DRDL_KERNELS");
  if (wanted && std::strcmp(wanted, "baseline") == 0) return false;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

}  // namespace

template <typename Dtype>
const Kernels<Dtype>& BestKernels() {
  static const Kernels<Dtype>& best =
      TakesAvx2() ? avx2::All<Dtype>() : baseline::All<Dtype>();
  return best;
}

template const Kernels<float>& BestKernels<float>();
template const Kernels<double>& BestKernels<double>();

}  // namespace engine
}  // namespace drdl
