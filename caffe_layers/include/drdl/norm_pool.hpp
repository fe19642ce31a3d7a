#ifndef DRDL_NORM_POOL_HPP_
#define DRDL_NORM_POOL_HPP_

#include <cstdint>

namespace drdl {

/// Bias, ReLU, LRN across five channels and MAX pooling over 3 x 3 pixels, one
/// after the other, of what a convolution has computed.
template <typename Dtype>
struct NormPool {
  static const int kWindow = 3;  // of pooling, in pixels a side
  static const int kNorm = 5;    // of LRN, in channels

  int images, channels;
  int height, width;                // of the convolution's output
  int pooled_height, pooled_width;  // of the pooled one
  int stride_h, stride_w, pad_h, pad_w;
  Dtype alpha, beta, k;  // of LRN: (k + alpha / kNorm sum of squares)^-beta
};

/// In one pass over memory, on the device: 0.75 as beta takes square roots, as
/// the CPU engine's LRN does.
///
/// @param z      what the convolution computed, (images, channels, height,
/// width)
/// @param bias   (channels); null for none
/// @param top    the pooled maxima, (images, channels, pooled_height,
/// pooled_width)
/// @param index  which pixel of its plane each of them is, for Backward
template <typename Dtype>
void NormPoolForward(const NormPool<Dtype>& shape, const Dtype* z,
                     const Dtype* bias, Dtype* top, int* index);

/// The gradient of z, from that of top; all else is as in Forward.
template <typename Dtype>
void NormPoolBackward(const NormPool<Dtype>& shape, const Dtype* z,
                      const Dtype* bias, const Dtype* top_diff,
                      const int* index, Dtype* z_diff);

}  // namespace drdl

#endif  // DRDL_NORM_POOL_HPP_
