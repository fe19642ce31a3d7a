#include "drdl/engine/convolution.hpp"

#include "drdl/engine/kernels.hpp"
#include "drdl/engine/parallel.hpp"

namespace drdl {
namespace engine {

template <typename Dtype>
Convolution<Dtype>::Convolution(const ConvolutionShape& shape,
                                ConvolutionWay way)
    : shape_(shape),
      winograd_(way != ConvolutionWay::kProduct && WinogradServes(shape)) {
  // With few channels the transforms cost more than the products save.
  const int kFewest = 16;
  if (way == ConvolutionWay::kAuto &&
      (shape.channels / shape.groups < kFewest ||
       shape.outputs / shape.groups < kFewest)) {
    winograd_ = false;
  }
}

template <typename Dtype>
void Convolution<Dtype>::Forward(const Dtype* bottom, const Dtype* filters,
                                 const Dtype* bias, Dtype* top) {
  (winograd_ ? WinogradForward<Dtype>
             : ProductForward<Dtype>)(shape_, bottom, filters, bias, top);
}

template <typename Dtype>
void Convolution<Dtype>::BottomDiff(const Dtype* top_diff, const Dtype* filters,
                                    Dtype* bottom_diff) {
  (winograd_
       ? WinogradBottomDiff<Dtype>
       : ProductBottomDiff<Dtype>)(shape_, top_diff, filters, bottom_diff);
}

template <typename Dtype>
void Convolution<Dtype>::FilterDiff(const Dtype* bottom, const Dtype* top_diff,
                                    Dtype* filters_diff) {
  (winograd_
       ? WinogradFilterDiff<Dtype>
       : ProductFilterDiff<Dtype>)(shape_, bottom, top_diff, filters_diff);
}

template <typename Dtype>
void Convolution<Dtype>::BiasDiff(const Dtype* top_diff,
                                  Dtype* bias_diff) const {
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  const int columns = shape_.out_height() * shape_.out_width();
  Parallel(shape_.outputs, [&](int k) {
    Dtype sum = 0;
    for (int n = 0; n < shape_.images; ++n) {
      sum += kernels.sum(
          columns, top_diff + n * shape_.top_size() + int64_t{k} * columns);
    }
    bias_diff[k] += sum;
  });
}

template class Convolution<float>;
template class Convolution<double>;

}  // namespace engine
}  // namespace drdl
