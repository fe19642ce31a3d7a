#include "drdl/engine/update.hpp"

#include <algorithm>

#include "drdl/engine/kernels.hpp"
#include "drdl/engine/parallel.hpp"

namespace drdl {
namespace engine {

namespace {

const int kGrain = 1 << 16;

}  // namespace

template <typename Dtype>
void SgdStep(int count, Dtype decay, Dtype momentum, Dtype rate, Dtype* data,
             Dtype* diff, Dtype* history) {
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  ParallelSlices(count, kGrain, [&](int begin, int end) {
    kernels.sgd(end - begin, decay, momentum, rate, data + begin, diff + begin,
                history + begin);
  });
}

template <typename Dtype>
void Clear(int count, Dtype* values) {
  ParallelSlices(count, kGrain, [&](int begin, int end) {
    std::fill(values + begin, values + end, Dtype(0));
  });
}

#define DRDL_INSTANTIATE(Dtype)                                            \
  template void SgdStep(int, Dtype, Dtype, Dtype, Dtype*, Dtype*, Dtype*); \
  template void Clear(int, Dtype*)
DRDL_INSTANTIATE(float);
DRDL_INSTANTIATE(double);

}  // namespace engine
}  // namespace drdl
