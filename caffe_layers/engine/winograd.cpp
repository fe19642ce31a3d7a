// Convolutions of 3 x 3, stride 1, by Winograd's F(4x4, 3x3): 36 matrices of
// filters times 36 matrices of inputs, over the tiles of several images at
// once.
//
// Memory beside the arguments: the transformed filters, 36 / 9 of the filters
// (for FilterDiff too); for each thread 36 x (channels + outputs) x kTiles
// numbers, and for FilterDiff once 36 x (channels + outputs) x kTilesOfDiff.

#include <algorithm>
#include <vector>

#include "drdl/engine/convolution.hpp"
#include "drdl/engine/kernels.hpp"
#include "drdl/engine/parallel.hpp"
#include "gemm.hpp"

namespace drdl {
namespace engine {

namespace {

const int kTiles = 256;        // in one product: more make it hardly faster
const int kTilesOfDiff = 512;  // there they are the length of the sums

const int kTogether = 8;  // channels that a thread takes at a time

enum { kFilters, kInputs, kProducts, kPlanes };

int RoundUp(int count) { return (count + kLanes - 1) / kLanes * kLanes; }

/// The tiles of some images, in planes of whole tiles that lie one after the
/// other, each `border` larger than its tiles.
class Tiling {
 public:
  /// height and width are those of outputs, images is how many stand together.
  Tiling(int height, int width, int border, int images)
      : height_((height + kTileOut - 1) / kTileOut * kTileOut + border),
        width_((width + kTileOut - 1) / kTileOut * kTileOut + border),
        images_(images) {
    for (int n = 0; n < images; ++n) {
      for (int y = 0; y + kTileOut <= height_; y += kTileOut) {
        for (int x = 0; x + kTileOut <= width_; x += kTileOut) {
          places_.push_back((n * height_ + y) * width_ + x);
        }
      }
    }
    // What fills up the last kLanes lies behind the planes.
    places_.resize(RoundUp(places_.size()), images * height_ * width_);
  }

  int width() const { return width_; }
  const int* places(int tile) const { return &places_[tile]; }
  /// Numbers of all planes, and of what is read behind them.
  int size() const { return (images_ * height_ + kTileIn) * width_ + kLanes; }

  /// Planes that hold anything.
  template <typename Dtype>
  Dtype* Planes() const {
    return Scratch<Dtype, kPlanes>(size());
  }
  template <typename Dtype>
  Dtype* Zeros() const {
    Dtype* planes = Planes<Dtype>();
    std::fill(planes, planes + size(), Dtype(0));
    return planes;
  }
  /// Copies a channel of some images, which lie `apart`, from (top, left) on.
  template <typename Dtype>
  void CopyIn(const Dtype* from, int64_t apart, int images, int height,
              int width, int top, int left, Dtype* planes) const {
    const int rows = std::min(height, height_ - top);
    const int columns = std::min(width, width_ - left);
    for (int n = 0; n < images; ++n, from += apart) {
      Dtype* to = planes + (n * height_ + top) * width_ + left;
      BestKernels<Dtype>().copy_rows(rows, columns, from, width, 1, to, width_);
    }
  }
  template <typename Dtype>
  void CopyOut(const Dtype* planes, int images, int height, int width,
               int64_t apart, Dtype* to) const {
    for (int n = 0; n < images; ++n, to += apart) {
      const Dtype* from = planes + n * height_ * width_;
      BestKernels<Dtype>().copy_rows(height, width, from, width_, 1, to, width);
    }
  }

 private:
  int height_, width_, images_;
  std::vector<int> places_;
};

int TilesOfImage(int height, int width) {
  return (height + kTileOut - 1) / kTileOut *
         ((width + kTileOut - 1) / kTileOut);
}

/// Images whose tiles come near to `tiles`.
int Together(int height, int width, int tiles, int images) {
  return std::min(images, std::max(1, tiles / TilesOfImage(height, width)));
}

/// How far the matrices of the positions lie apart: not by a power of two, of
/// which a cache would hold few lines.
int64_t Apart(int64_t size) { return size + kLanes; }

/// The filters of one group, transformed: 36 x rows x columns. Rows are those
/// of the result of the product: outputs, or, `turned` for BottomDiff,
/// channels.
template <typename Dtype>
Dtype* TransformFilters(const Dtype* filters, int rows, int columns,
                        bool turned) {
  const int64_t size = Apart(int64_t{rows} * columns);
  Dtype* out = Scratch<Dtype, kFilters>(kPositions * size);
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  Parallel(rows, [=, &kernels](int row) {
    for (int column = 0; column < columns; column += kLanes) {
      const int64_t first = turned ? int64_t{column} * rows + row
                                   : int64_t{row} * columns + column;
      kernels.winograd_filter(filters + first * 9,
                              turned ? int64_t{rows} * 9 : 9, turned,
                              std::min(kLanes, columns - column), size,
                              out + int64_t{row} * columns + column);
    }
  });
  return out;
}

/// out = filters * in, for one group of channels.
template <typename Dtype>
void Apply(int images, int channels, int outputs, int height, int width,
           int pad_h, int pad_w, int64_t in_apart, int64_t out_apart,
           const Dtype* filters, const Dtype* bias, const Dtype* in,
           Dtype* out) {
  const int out_height = height + 2 * pad_h - 2;
  const int out_width = width + 2 * pad_w - 2;
  const int64_t plane = int64_t{height} * width;
  const int64_t out_plane = int64_t{out_height} * out_width;
  const int of_image = TilesOfImage(out_height, out_width);
  const int together = Together(out_height, out_width, kTiles, images);
  const Tiling from(out_height, out_width, kTileIn - kTileOut, together);
  const Tiling to(out_height, out_width, 0, together);
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  ParallelSlices(images, together, [&](int begin, int end) {
    const int count = end - begin, stored = RoundUp(count * of_image);
    const int64_t in_step = Apart(int64_t{channels} * stored);
    const int64_t out_step = Apart(int64_t{outputs} * stored);
    Dtype* inputs = Scratch<Dtype, kInputs>(kPositions * in_step);
    Dtype* products = Scratch<Dtype, kProducts>(kPositions * out_step);
    Dtype* planes = from.Zeros<Dtype>();
    for (int c = 0; c < channels; ++c) {
      from.CopyIn(in + begin * in_apart + c * plane, in_apart, count, height,
                  width, pad_h, pad_w, planes);
      for (int t = 0; t < stored; t += kLanes) {
        kernels.winograd_data(planes, from.width(), from.places(t), in_step,
                              inputs + int64_t{c} * stored + t);
      }
    }
    for (int p = 0; p < kPositions; ++p) {
      Gemm(false, false, outputs, stored, channels,
           filters + p * Apart(int64_t{outputs} * channels), channels,
           inputs + p * in_step, stored, Dtype(0), products + p * out_step,
           stored);
    }
    planes = to.Planes<Dtype>();
    for (int k = 0; k < outputs; ++k) {
      for (int t = 0; t < stored; t += kLanes) {
        kernels.winograd_top(products + int64_t{k} * stored + t, out_step,
                             bias ? bias[k] : Dtype(0), to.width(),
                             to.places(t), planes);
      }
      to.CopyOut(planes, count, out_height, out_width, out_apart,
                 out + begin * out_apart + k * out_plane);
    }
  });
}

}  // namespace

bool WinogradServes(const ConvolutionShape& s) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 &&
         s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.pad_h <= 2 && s.pad_w <= 2;
}

template <typename Dtype>
void WinogradForward(const ConvolutionShape& s, const Dtype* bottom,
                     const Dtype* filters, const Dtype* bias, Dtype* top) {
  const int channels = s.channels / s.groups, outputs = s.outputs / s.groups;
  for (int g = 0; g < s.groups; ++g) {
    const Dtype* transformed =
        TransformFilters(filters + int64_t{g} * outputs * channels * 9, outputs,
                         channels, false);
    Apply(s.images, channels, outputs, s.height, s.width, s.pad_h, s.pad_w,
          s.bottom_size(), s.top_size(), transformed,
          bias ? bias + g * outputs : nullptr,
          bottom + g * (s.bottom_size() / s.groups),
          top + g * (s.top_size() / s.groups));
  }
}

// A convolution too, with the filters turned by 180 degrees, outputs and
// channels exchanged.
template <typename Dtype>
void WinogradBottomDiff(const ConvolutionShape& s, const Dtype* top_diff,
                        const Dtype* filters, Dtype* bottom_diff) {
  const int channels = s.channels / s.groups, outputs = s.outputs / s.groups;
  for (int g = 0; g < s.groups; ++g) {
    const Dtype* transformed = TransformFilters(
        filters + int64_t{g} * outputs * channels * 9, channels, outputs, true);
    Apply<Dtype>(s.images, outputs, channels, s.out_height(), s.out_width(),
                 2 - s.pad_h, 2 - s.pad_w, s.top_size(), s.bottom_size(),
                 transformed, nullptr, top_diff + g * (s.top_size() / s.groups),
                 bottom_diff + g * (s.bottom_size() / s.groups));
  }
}

template <typename Dtype>
void WinogradFilterDiff(const ConvolutionShape& s, const Dtype* bottom,
                        const Dtype* top_diff, Dtype* filters_diff) {
  const int channels = s.channels / s.groups, outputs = s.outputs / s.groups;
  const int height = s.out_height(), width = s.out_width();
  const int64_t plane = int64_t{s.height} * s.width;
  const int64_t out_plane = int64_t{height} * width;
  const int together = Together(height, width, kTilesOfDiff, s.images);
  const Tiling from(height, width, kTileIn - kTileOut, together);
  const Tiling to(height, width, 0, together);
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  const int64_t size = Apart(int64_t{outputs} * channels);
  Dtype* sums = Scratch<Dtype, kFilters>(kPositions * size);
  for (int g = 0; g < s.groups; ++g) {
    for (int begin = 0; begin < s.images; begin += together) {
      const int count = std::min(together, s.images - begin);
      const int stored = RoundUp(count * TilesOfImage(height, width));
      const int64_t in_step = Apart(int64_t{channels} * stored);
      const int64_t out_step = Apart(int64_t{outputs} * stored);
      Dtype* inputs = Scratch<Dtype, kInputs>(kPositions * in_step);
      Dtype* diffs = Scratch<Dtype, kProducts>(kPositions * out_step);
      const Dtype* in =
          bottom + begin * s.bottom_size() + g * (s.bottom_size() / s.groups);
      const Dtype* out =
          top_diff + begin * s.top_size() + g * (s.top_size() / s.groups);
      ParallelSlices(channels, kTogether, [&](int first, int last) {
        Dtype* planes = from.Zeros<Dtype>();
        for (int c = first; c < last; ++c) {
          from.CopyIn(in + c * plane, s.bottom_size(), count, s.height, s.width,
                      s.pad_h, s.pad_w, planes);
          for (int t = 0; t < stored; t += kLanes) {
            kernels.winograd_data(planes, from.width(), from.places(t), in_step,
                                  inputs + int64_t{c} * stored + t);
          }
        }
      });
      ParallelSlices(outputs, kTogether, [&](int first, int last) {
        Dtype* planes = to.Zeros<Dtype>();
        for (int k = first; k < last; ++k) {
          to.CopyIn(out + k * out_plane, s.top_size(), count, height, width, 0,
                    0, planes);
          for (int t = 0; t < stored; t += kLanes) {
            kernels.winograd_top_diff(planes, to.width(), to.places(t),
                                      out_step,
                                      diffs + int64_t{k} * stored + t);
          }
        }
      });
      // Each position adds up the images in their order.
      Parallel(kPositions, [&](int p) {
        Gemm(false, true, outputs, channels, stored, diffs + p * out_step,
             stored, inputs + p * in_step, stored, Dtype(begin > 0),
             sums + p * size, channels);
      });
    }
    Parallel(outputs, [&](int k) {
      for (int c = 0; c < channels; c += kLanes) {
        kernels.winograd_filter_diff(
            sums + int64_t{k} * channels + c, size,
            std::min(kLanes, channels - c),
            filters_diff +
                (int64_t{g} * outputs * channels + int64_t{k} * channels + c) *
                    9);
      }
    });
  }
}

#define DRDL_INSTANTIATE(Dtype)                                           \
  template void WinogradForward(const ConvolutionShape&, const Dtype*,    \
                                const Dtype*, const Dtype*, Dtype*);      \
  template void WinogradBottomDiff(const ConvolutionShape&, const Dtype*, \
                                   const Dtype*, Dtype*);                 \
  template void WinogradFilterDiff(const ConvolutionShape&, const Dtype*, \
                                   const Dtype*, Dtype*)
DRDL_INSTANTIATE(float);
DRDL_INSTANTIATE(double);

}  // namespace engine
}  // namespace drdl
