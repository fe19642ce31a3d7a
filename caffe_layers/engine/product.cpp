// Convolutions of any shape as products of matrices: filters times the windows
// of one image, or of several where an image has few outputs.
//
// Memory beside the arguments: for each thread kernel_h x kernel_w x channels /
// groups x max(out_height x out_width, kColumns) numbers; FilterDiff besides
// takes the filters kSlices times, or less where they are large.

#include <algorithm>
#include <cstring>

#include "drdl/engine/convolution.hpp"
#include "drdl/engine/kernels.hpp"
#include "drdl/engine/parallel.hpp"
#include "gemm.hpp"

namespace drdl {
namespace engine {

namespace {

const int kColumns = 256;  // of one product: fewer make it slower
const int kSlices = 16;    // of the images, that FilterDiff sums apart
const int64_t kSumsBytes = int64_t{128} << 20;  // in all

enum { kWindows, kResult, kSums };

/// Whether the windows of an image are the image itself.
bool IsPointwise(const ConvolutionShape& s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 &&
         s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0;
}

/// The outputs [begin, end) whose windows have their value k within the image.
struct Range {
  int begin, end;
};
Range Inside(int outputs, int size, int at, int stride) {
  const int begin = at >= 0 ? 0 : (-at + stride - 1) / stride;
  const int end = at >= size ? 0 : (size - 1 - at) / stride + 1;
  return {std::min(begin, outputs), std::max(std::min(end, outputs), 0)};
}

/// Calls visit(row, channel, kh, kw) for each row of the windows of one group.
template <typename Visit>
void EachRow(const ConvolutionShape& s, const Visit& visit) {
  int row = 0;
  for (int c = 0; c < s.channels / s.groups; ++c) {
    for (int kh = 0; kh < s.kernel_h; ++kh) {
      for (int kw = 0; kw < s.kernel_w; ++kw) visit(row++, c, kh, kw);
    }
  }
}

/// The windows of an image's channels of one group: filter_size rows of
/// out_height x out_width columns, rows `apart`.
template <typename Dtype>
void Windows(const ConvolutionShape& s, const Dtype* image, int64_t apart,
             Dtype* windows) {
  const int out_height = s.out_height(), out_width = s.out_width();
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  EachRow(s, [&](int row, int c, int kh, int kw) {
    Dtype* out = windows + row * apart;
    const Dtype* plane = image + int64_t{c} * s.height * s.width;
    const int h0 = kh * s.dilation_h - s.pad_h;
    const int w0 = kw * s.dilation_w - s.pad_w;
    const Range rows = Inside(out_height, s.height, h0, s.stride_h);
    const Range columns = Inside(out_width, s.width, w0, s.stride_w);
    const int wide = columns.end - columns.begin;
    if (rows.begin >= rows.end || wide <= 0) {
      std::fill_n(out, out_height * out_width, Dtype(0));
      return;
    }
    std::fill(out, out + rows.begin * out_width, Dtype(0));
    std::fill(out + rows.end * out_width, out + out_height * out_width,
              Dtype(0));
    const int h = rows.begin * s.stride_h + h0;
    const int w = columns.begin * s.stride_w + w0;
    kernels.copy_rows(rows.end - rows.begin, wide,
                      plane + int64_t{h} * s.width + w,
                      int64_t{s.stride_h} * s.width, s.stride_w,
                      out + rows.begin * out_width + columns.begin, out_width);
    if (wide == out_width) return;
    for (int oh = rows.begin; oh < rows.end; ++oh) {
      Dtype* of_row = out + oh * out_width;
      std::fill(of_row, of_row + columns.begin, Dtype(0));
      std::fill(of_row + columns.end, of_row + out_width, Dtype(0));
    }
  });
}

/// Adds windows to the image that they are of.
template <typename Dtype>
void AddWindows(const ConvolutionShape& s, const Dtype* windows, int64_t apart,
                Dtype* image) {
  const int out_height = s.out_height(), out_width = s.out_width();
  EachRow(s, [&](int row, int c, int kh, int kw) {
    const Dtype* from = windows + row * apart;
    Dtype* plane = image + int64_t{c} * s.height * s.width;
    const int w0 = kw * s.dilation_w - s.pad_w;
    const Range inside = Inside(out_width, s.width, w0, s.stride_w);
    for (int oh = 0; oh < out_height; ++oh, from += out_width) {
      const int h = oh * s.stride_h - s.pad_h + kh * s.dilation_h;
      if (h < 0 || h >= s.height) continue;
      Dtype* to = plane + int64_t{h} * s.width + w0;
      for (int ow = inside.begin; ow < inside.end; ++ow) {
        to[ow * s.stride_w] += from[ow];
      }
    }
  });
}

/// Images whose outputs stand side by side in one product.
int Together(const ConvolutionShape& s) {
  const int columns = s.out_height() * s.out_width();
  return std::max(1, std::min(s.images, kColumns / columns));
}

}  // namespace

template <typename Dtype>
void ProductForward(const ConvolutionShape& s, const Dtype* bottom,
                    const Dtype* filters, const Dtype* bias, Dtype* top) {
  const int outputs = s.outputs / s.groups, rows = s.filter_size();
  const int columns = s.out_height() * s.out_width();
  const int together = Together(s);
  ParallelSlices(s.images, together, [&](int begin, int end) {
    const int count = end - begin, wide = count * columns;
    for (int g = 0; g < s.groups; ++g) {
      const Dtype* images =
          bottom + begin * s.bottom_size() + g * (s.bottom_size() / s.groups);
      Dtype* out = top + begin * s.top_size() + g * (s.top_size() / s.groups);
      const Dtype* windows = images;
      if (count > 1 || !IsPointwise(s)) {
        Dtype* made = Scratch<Dtype, kWindows>(int64_t{rows} * wide);
        for (int n = 0; n < count; ++n) {
          Windows(s, images + n * s.bottom_size(), wide, made + n * columns);
        }
        windows = made;
      }
      Dtype* result =
          count > 1 ? Scratch<Dtype, kResult>(int64_t{outputs} * wide) : out;
      Gemm(false, false, outputs, wide, rows,
           filters + int64_t{g} * outputs * rows, rows, windows, wide, Dtype(0),
           result, wide);
      for (int n = 0; n < count; ++n) {
        for (int k = 0; k < outputs; ++k) {
          const Dtype* from = result + int64_t{k} * wide + n * columns;
          Dtype* to = out + n * s.top_size() + int64_t{k} * columns;
          if (bias) {
            const Dtype add = bias[g * outputs + k];
            for (int i = 0; i < columns; ++i) to[i] = from[i] + add;
          } else if (to != from) {
            std::memcpy(to, from, columns * sizeof(Dtype));
          }
        }
      }
    }
  });
}

template <typename Dtype>
void ProductBottomDiff(const ConvolutionShape& s, const Dtype* top_diff,
                       const Dtype* filters, Dtype* bottom_diff) {
  const int outputs = s.outputs / s.groups, rows = s.filter_size();
  const int columns = s.out_height() * s.out_width();
  const int together = IsPointwise(s) ? 1 : Together(s);
  ParallelSlices(s.images, together, [&](int begin, int end) {
    const int count = end - begin, wide = count * columns;
    for (int g = 0; g < s.groups; ++g) {
      const Dtype* diffs =
          top_diff + begin * s.top_size() + g * (s.top_size() / s.groups);
      Dtype* images = bottom_diff + begin * s.bottom_size() +
                      g * (s.bottom_size() / s.groups);
      const Dtype* side_by_side = diffs;
      if (count > 1) {
        Dtype* made = Scratch<Dtype, kResult>(int64_t{outputs} * wide);
        for (int n = 0; n < count; ++n) {
          for (int k = 0; k < outputs; ++k) {
            std::memcpy(made + int64_t{k} * wide + n * columns,
                        diffs + n * s.top_size() + int64_t{k} * columns,
                        columns * sizeof(Dtype));
          }
        }
        side_by_side = made;
      }
      Dtype* windows = IsPointwise(s)
                           ? images
                           : Scratch<Dtype, kWindows>(int64_t{rows} * wide);
      Gemm(true, false, rows, wide, outputs,
           filters + int64_t{g} * outputs * rows, rows, side_by_side, wide,
           Dtype(0), windows, wide);
      if (IsPointwise(s)) continue;
      for (int n = 0; n < count; ++n) {
        Dtype* image = images + n * s.bottom_size();
        std::memset(image, 0, s.bottom_size() / s.groups * sizeof(Dtype));
        AddWindows(s, windows + n * columns, wide, image);
      }
    }
  });
}

template <typename Dtype>
void ProductFilterDiff(const ConvolutionShape& s, const Dtype* bottom,
                       const Dtype* top_diff, Dtype* filters_diff) {
  const int outputs = s.outputs / s.groups, rows = s.filter_size();
  const int columns = s.out_height() * s.out_width();
  const int64_t size = s.filters_size();
  const int64_t most = kSumsBytes / (size * sizeof(Dtype));
  const int slices =
      std::max<int64_t>(1, std::min<int64_t>({kSlices, s.images, most}));
  const int of_slice = (s.images + slices - 1) / slices;
  const int made = (s.images + of_slice - 1) / of_slice;
  Dtype* sums = Scratch<Dtype, kSums>(made * size);
  ParallelSlices(s.images, of_slice, [&](int begin, int end) {
    Dtype* sum = sums + begin / of_slice * size;
    for (int n = begin; n < end; ++n) {
      for (int g = 0; g < s.groups; ++g) {
        const Dtype* windows =
            bottom + n * s.bottom_size() + g * (s.bottom_size() / s.groups);
        if (!IsPointwise(s)) {
          Dtype* of_image = Scratch<Dtype, kWindows>(int64_t{rows} * columns);
          Windows(s, windows, columns, of_image);
          windows = of_image;
        }
        Gemm(false, true, outputs, rows, columns,
             top_diff + n * s.top_size() + g * (s.top_size() / s.groups),
             columns, windows, columns, Dtype(n > begin),
             sum + int64_t{g} * outputs * rows, rows);
      }
    }
  });
  // The slices in their order, whoever has made them.
  const int kGrain = 1 << 14;
  ParallelSlices(static_cast<int>(size), kGrain, [&](int begin, int end) {
    for (int slice = 0; slice < made; ++slice) {
      const Dtype* sum = sums + slice * size;
      for (int i = begin; i < end; ++i) filters_diff[i] += sum[i];
    }
  });
}

#define DRDL_INSTANTIATE(Dtype)                                          \
  template void ProductForward(const ConvolutionShape&, const Dtype*,    \
                               const Dtype*, const Dtype*, Dtype*);      \
  template void ProductBottomDiff(const ConvolutionShape&, const Dtype*, \
                                  const Dtype*, Dtype*);                 \
  template void ProductFilterDiff(const ConvolutionShape&, const Dtype*, \
                                  const Dtype*, Dtype*)
DRDL_INSTANTIATE(float);
DRDL_INSTANTIATE(double);

}  // namespace engine
}  // namespace drdl
