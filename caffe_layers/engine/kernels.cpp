#include "drdl/engine/kernels.hpp"

namespace drdl {
namespace engine {

template <typename Dtype>
const Kernels<Dtype>& BestKernels() {
  static const Kernels<Dtype>& best =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
          ? avx2::All<Dtype>()
          : baseline::All<Dtype>();
  return best;
}

template const Kernels<float>& BestKernels<float>();
template const Kernels<double>& BestKernels<double>();

}  // namespace engine
}  // namespace drdl
