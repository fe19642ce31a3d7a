#include "drdl/engine/kernels.hpp"

#include <cstdlib>
#include <string>

#include "caffe/common.hpp"
#include "drdl/input_error.hpp"
#include "drdl/processor.hpp"

namespace drdl {
namespace engine {

namespace {

/// The most that the processor has, or as much of it as DRDL_KERNELS allows.
template <typename Dtype>
const Kernels<Dtype>& Best() {
  const char* named = std::getenv("DRDL_KERNELS");
  const std::string wanted = named ? named : "";
  if (!wanted.empty() && wanted != "baseline" && wanted != "avx2" &&
      wanted != "avx512") {
    throw InputError(
        "DRDL_KERNELS=" + wanted + "; expected baseline, avx2 or avx512",
        "the environment", "name one of the three, or unset it");
  }
  if (wanted == "baseline" || !HasAvx2()) return baseline::All<Dtype>();
  if (wanted == "avx2" || !HasAvx512()) return avx2::All<Dtype>();
  return avx512::All<Dtype>();
}

}  // namespace

template <typename Dtype>
const Kernels<Dtype>& BestKernels() {
  static const Kernels<Dtype>& best = Best<Dtype>();
  return best;
}

template const Kernels<float>& BestKernels<float>();
template const Kernels<double>& BestKernels<double>();

}  // namespace engine
}  // namespace drdl
