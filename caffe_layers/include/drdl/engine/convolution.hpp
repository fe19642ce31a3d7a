#ifndef DRDL_ENGINE_CONVOLUTION_HPP_
#define DRDL_ENGINE_CONVOLUTION_HPP_

#include <cstdint>

namespace drdl {
namespace engine {

/// A convolution of `images` images; filters are outputs x channels / groups x
/// kernel_h x kernel_w.
struct ConvolutionShape {
  int images, channels, height, width;
  int outputs, groups, kernel_h, kernel_w;
  int stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;

  int out_height() const {
    return (height + 2 * pad_h - dilation_h * (kernel_h - 1) - 1) / stride_h +
           1;
  }
  int out_width() const {
    return (width + 2 * pad_w - dilation_w * (kernel_w - 1) - 1) / stride_w + 1;
  }
  int64_t bottom_size() const { return int64_t{channels} * height * width; }
  int64_t top_size() const {
    return int64_t{outputs} * out_height() * out_width();
  }
  /// Numbers of one output's filter.
  int filter_size() const { return channels / groups * kernel_h * kernel_w; }
  int64_t filters_size() const { return int64_t{outputs} * filter_size(); }
};

/// How a convolution is computed.
enum class ConvolutionWay { kAuto, kProduct, kWinograd };

/// Forward and backward passes on Threads() threads, the same bits for any
/// number of them. Memory beside the arguments: see the two ways' files.
template <typename Dtype>
class Convolution {
 public:
  explicit Convolution(const ConvolutionShape& shape,
                       ConvolutionWay way = ConvolutionWay::kAuto);

  /// top = filters * bottom + bias; bias may be null.
  void Forward(const Dtype* bottom, const Dtype* filters, const Dtype* bias,
               Dtype* top);
  void BottomDiff(const Dtype* top_diff, const Dtype* filters,
                  Dtype* bottom_diff);
  /// Adds to filters_diff.
  void FilterDiff(const Dtype* bottom, const Dtype* top_diff,
                  Dtype* filters_diff);
  /// Adds to bias_diff.
  void BiasDiff(const Dtype* top_diff, Dtype* bias_diff) const;

 private:
  ConvolutionShape shape_;
  bool winograd_;
};

/// Whether F(4x4, 3x3) serves a shape.
bool WinogradServes(const ConvolutionShape& shape);

// The two ways, as Convolution's members.

template <typename Dtype>
void ProductForward(const ConvolutionShape& shape, const Dtype* bottom,
                    const Dtype* filters, const Dtype* bias, Dtype* top);
template <typename Dtype>
void ProductBottomDiff(const ConvolutionShape& shape, const Dtype* top_diff,
                       const Dtype* filters, Dtype* bottom_diff);
template <typename Dtype>
void ProductFilterDiff(const ConvolutionShape& shape, const Dtype* bottom,
                       const Dtype* top_diff, Dtype* filters_diff);
template <typename Dtype>
void WinogradForward(const ConvolutionShape& shape, const Dtype* bottom,
                     const Dtype* filters, const Dtype* bias, Dtype* top);
template <typename Dtype>
void WinogradBottomDiff(const ConvolutionShape& shape, const Dtype* top_diff,
                        const Dtype* filters, Dtype* bottom_diff);
template <typename Dtype>
void WinogradFilterDiff(const ConvolutionShape& shape, const Dtype* bottom,
                        const Dtype* top_diff, Dtype* filters_diff);

}  // namespace engine
}  // namespace drdl

#endif  // DRDL_ENGINE_CONVOLUTION_HPP_
