#include <algorithm>

#include "caffe/common.hpp"
#include "drdl/norm_pool.hpp"

namespace drdl {

namespace {

const int kThreads = 128;
// A thread goes through so many channels; further ones are other threads'.
const int kChannels = 32;

// What the pixels of one image are to LRN: behind bias and ReLU, and nothing
// outside its channels.
template <typename Dtype>
struct Activations {
  const Dtype* z;  // of the image
  const Dtype* bias;
  int channels;
  int64_t plane;

  __device__ Dtype At(int channel, int pixel) const {
    if (channel < 0 || channel >= channels) return 0;
    Dtype value = z[channel * plane + pixel];
    if (bias) value += bias[channel];
    return value <= 0 ? Dtype(0) : value;  // NaN stays
  }
  __device__ Dtype SquareAt(int channel, int pixel) const {
    const Dtype value = At(channel, pixel);
    return value * value;
  }
};

template <typename Dtype>
__device__ Activations<Dtype> ActivationsOf(const NormPool<Dtype>& s, int image,
                                            const Dtype* z, const Dtype* bias) {
  const int64_t plane = int64_t(s.height) * s.width;
  return {z + image * s.channels * plane, bias, s.channels, plane};
}

// What a thread goes through: some channels of one pixel of an image.
struct Part {
  int image, pixel;
  int first, last;  // channels
};
// Whether there is one for this thread, where images have so many pixels.
template <typename Dtype>
__device__ bool FindPart(const NormPool<Dtype>& s, int pixels, Part* part) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  part->image = column / pixels;
  part->pixel = column % pixels;
  part->first = blockIdx.y * kChannels;
  part->last = min(part->first + kChannels, s.channels);
  return part->image < s.images;
}

// scale^-beta
template <typename Dtype>
__device__ Dtype Factor(Dtype scale, Dtype beta) {
  if (beta != Dtype(0.75)) return pow(scale, -beta);
  const Dtype root = sqrt(scale);
  return 1 / (root * sqrt(root));
}

// A thread a pooled pixel, and some channels of it.
template <typename Dtype>
__global__ void NormPoolForwardKernel(NormPool<Dtype> s, const Dtype* z,
                                      const Dtype* bias, Dtype* top,
                                      int* index) {
  const int kWindow = NormPool<Dtype>::kWindow, kNorm = NormPool<Dtype>::kNorm;
  const int kHalf = kNorm / 2, kPixels = kWindow * kWindow;
  const int pooled = s.pooled_height * s.pooled_width;
  Part part;
  if (!FindPart(s, pooled, &part)) return;
  const int image = part.image, to = part.pixel;
  const int first = part.first, last = part.last;
  const Activations<Dtype> x = ActivationsOf(s, image, z, bias);
  int pixels[kPixels];
  Dtype sums[kPixels];  // of squares, of all but the last channel that counts
  for (int p = 0; p < kPixels; ++p) {
    const int h = to / s.pooled_width * s.stride_h - s.pad_h + p / kWindow;
    const int w = to % s.pooled_width * s.stride_w - s.pad_w + p % kWindow;
    const bool inside = h >= 0 && h < s.height && w >= 0 && w < s.width;
    pixels[p] = inside ? h * s.width + w : -1;
    sums[p] = 0;
    for (int c = first - kHalf; inside && c < first + kHalf; ++c) {
      sums[p] += x.SquareAt(c, pixels[p]);
    }
  }
  for (int c = first; c < last; ++c) {
    Dtype best = 0;
    int best_pixel = -1;
    for (int p = 0; p < kPixels; ++p) {
      if (pixels[p] < 0) continue;
      sums[p] += x.SquareAt(c + kHalf, pixels[p]);
      const Dtype scale = s.k + s.alpha / kNorm * sums[p];
      const Dtype value = x.At(c, pixels[p]) * Factor(scale, s.beta);
      // The first of equals; NaN above all.
      if (best_pixel < 0 || value > best || (isnan(value) && !isnan(best))) {
        best = value;
        best_pixel = pixels[p];
      }
      sums[p] -= x.SquareAt(c - kHalf, pixels[p]);
    }
    const int64_t at = (int64_t(image) * s.channels + c) * pooled + to;
    top[at] = best;
    index[at] = best_pixel;
  }
}

// The gradient that pooling hands to a pixel: those of the windows of which it
// is the largest.
template <typename Dtype>
__device__ Dtype Gathered(const NormPool<Dtype>& s, int64_t plane, int pixel,
                          const Dtype* top_diff, const int* index) {
  const int kWindow = NormPool<Dtype>::kWindow;
  const int h = pixel / s.width + s.pad_h, w = pixel % s.width + s.pad_w;
  const int first_h = h < kWindow ? 0 : (h - kWindow) / s.stride_h + 1;
  const int first_w = w < kWindow ? 0 : (w - kWindow) / s.stride_w + 1;
  const int last_h = min(h / s.stride_h, s.pooled_height - 1);
  const int last_w = min(w / s.stride_w, s.pooled_width - 1);
  Dtype sum = 0;
  for (int ph = first_h; ph <= last_h; ++ph) {
    for (int pw = first_w; pw <= last_w; ++pw) {
      const int64_t at = (plane * s.pooled_height + ph) * s.pooled_width + pw;
      if (index[at] == pixel) sum += top_diff[at];
    }
  }
  return sum;
}

// A thread a pixel, and some channels of it. With y = x f, f = scale^-beta, the
// gradient of LRN is dy_c f_c - 2 alpha beta / kNorm x_c sum_j dy_j y_j /
// scale_j over the channels j whose scale x_c is in.
template <typename Dtype>
__global__ void NormPoolBackwardKernel(NormPool<Dtype> s, const Dtype* z,
                                       const Dtype* bias, const Dtype* top_diff,
                                       const int* index, Dtype* z_diff) {
  const int kNorm = NormPool<Dtype>::kNorm, kHalf = kNorm / 2;
  const int plane = s.height * s.width;
  Part part;
  if (!FindPart(s, plane, &part)) return;
  const int image = part.image, pixel = part.pixel;
  const int first = part.first, last = part.last;
  const Activations<Dtype> x = ActivationsOf(s, image, z, bias);
  // Of channels j - kNorm + 1 .. j, and of j - kHalf .. j.
  Dtype ratios[kNorm] = {0}, values[kHalf + 1] = {0}, direct[kHalf + 1] = {0};
  Dtype sum = 0;
  for (int c = first - 2 * kHalf; c < first; ++c) sum += x.SquareAt(c, pixel);
  for (int j = first - kHalf; j < last + kHalf; ++j) {
    sum += x.SquareAt(j + kHalf, pixel);
    for (int i = 0; i + 1 < kNorm; ++i) ratios[i] = ratios[i + 1];
    for (int i = 0; i < kHalf; ++i) values[i] = values[i + 1];
    for (int i = 0; i < kHalf; ++i) direct[i] = direct[i + 1];
    ratios[kNorm - 1] = values[kHalf] = direct[kHalf] = 0;
    if (j >= 0 && j < s.channels) {
      const Dtype scale = s.k + s.alpha / kNorm * sum;
      const Dtype dy =
          Gathered(s, int64_t(image) * s.channels + j, pixel, top_diff, index);
      values[kHalf] = x.At(j, pixel);
      direct[kHalf] = dy * Factor(scale, s.beta);
      ratios[kNorm - 1] = direct[kHalf] * values[kHalf] / scale;
    }
    sum -= x.SquareAt(j - kHalf, pixel);
    const int c = j - kHalf;
    if (c < first) continue;
    Dtype around = 0;
    for (int i = 0; i < kNorm; ++i) around += ratios[i];
    const Dtype share = 2 * s.alpha * s.beta / kNorm * values[0] * around;
    z_diff[(int64_t(image) * s.channels + c) * plane + pixel] =
        values[0] > 0 ? direct[0] - share : Dtype(0);
  }
}

template <typename Dtype>
dim3 Grid(const NormPool<Dtype>& s, int pixels) {
  return dim3((s.images * pixels + kThreads - 1) / kThreads,
              (s.channels + kChannels - 1) / kChannels);
}

}  // namespace

template <typename Dtype>
void NormPoolForward(const NormPool<Dtype>& shape, const Dtype* z,
                     const Dtype* bias, Dtype* top, int* index) {
  const int pooled = shape.pooled_height * shape.pooled_width;
  NormPoolForwardKernel<Dtype>
      <<<Grid(shape, pooled), kThreads>>>(shape, z, bias, top, index);
  CUDA_POST_KERNEL_CHECK;
}

template <typename Dtype>
void NormPoolBackward(const NormPool<Dtype>& shape, const Dtype* z,
                      const Dtype* bias, const Dtype* top_diff,
                      const int* index, Dtype* z_diff) {
  const int plane = shape.height * shape.width;
  NormPoolBackwardKernel<Dtype><<<Grid(shape, plane), kThreads>>>(
      shape, z, bias, top_diff, index, z_diff);
  CUDA_POST_KERNEL_CHECK;
}

template void NormPoolForward(const NormPool<float>&, const float*,
                              const float*, float*, int*);
template void NormPoolForward(const NormPool<double>&, const double*,
                              const double*, double*, int*);
template void NormPoolBackward(const NormPool<float>&, const float*,
                               const float*, const float*, const int*, float*);
template void NormPoolBackward(const NormPool<double>&, const double*,
                               const double*, const double*, const int*,
                               double*);

}  // namespace drdl
