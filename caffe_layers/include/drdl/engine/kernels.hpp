#ifndef DRDL_ENGINE_KERNELS_HPP_
#define DRDL_ENGINE_KERNELS_HPP_

#include <cstdint>

namespace drdl {
namespace engine {

/// Tiles that one call of a Winograd kernel takes, side by side in memory.
const int kLanes = 16;

// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, 2015): a tile of 4
// x 4 outputs comes from 6 x 6 inputs, by 36 products in place of 144.
const int kTileOut = 4, kTileIn = 6, kPositions = kTileIn * kTileIn;

/// Max pooling of a plane.
struct PoolShape {
  int height, width, pooled_height, pooled_width;
  int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
};

/// LRN across channels: y = x / (k + alpha / size * sum x^2)^beta.
struct LrnShape {
  int channels, plane, size;
  double alpha, beta, k;
};

/// The loops of the CPU engine, compiled for one kind of processor. Each is
/// single-threaded, and its sums have one order.
template <typename Dtype>
struct Kernels {
  const char* name;

  // --- Winograd, of kLanes tiles at a time. Position p of lane i goes to, or
  // comes from, [p * stride + i]. Tile i lies at tiles[i] of planes whose rows
  // are `width` long: 6 x 6 numbers of data, zeros beyond the image among them,
  // or 4 x 4 of top. From each of their rows eight numbers are read.

  /// B^T d B.
  void (*winograd_data)(const Dtype* data, int width, const int* tiles,
                        int64_t stride, Dtype* out);
  /// A dY A^T of the gradients.
  void (*winograd_top_diff)(const Dtype* diff, int width, const int* tiles,
                            int64_t stride, Dtype* out);
  /// A^T m A + bias, the outputs.
  void (*winograd_top)(const Dtype* m, int64_t stride, Dtype bias, int width,
                       const int* tiles, Dtype* top);
  /// G g G^T of `count` filters that lie `step` apart; turned by 180 degrees
  /// where `turned`.
  void (*winograd_filter)(const Dtype* filters, int64_t step, bool turned,
                          int count, int64_t stride, Dtype* out);
  /// Adds G^T u G to `count` filters that lie 9 apart.
  void (*winograd_filter_diff)(const Dtype* u, int64_t stride, int count,
                               Dtype* diff);

  // --- Planes

  /// rows x columns numbers, each `step` behind the other, of rows that lie
  /// from_apart apart.
  void (*copy_rows)(int rows, int columns, const Dtype* from,
                    int64_t from_apart, int step, Dtype* to, int64_t to_apart);
  /// The first of the largest values of each window, and where it is. largest
  /// and places hold two rows of data.
  void (*max_pool)(const PoolShape& shape, const Dtype* data, Dtype* top,
                   int* index, Dtype* largest, int* places);
  /// scale and top of pixels [begin, end) of one image.
  void (*lrn)(const LrnShape& shape, int begin, int end, const Dtype* data,
              Dtype* scale, Dtype* top);
  /// diff of pixels [begin, end) of one image; scratch: channels x (end -
  /// begin).
  void (*lrn_diff)(const LrnShape& shape, int begin, int end, const Dtype* data,
                   const Dtype* top, const Dtype* scale, const Dtype* top_diff,
                   Dtype* diff, Dtype* scratch);
  void (*relu)(int count, Dtype slope, const Dtype* data, Dtype* top);
  void (*relu_diff)(int count, Dtype slope, const Dtype* data,
                    const Dtype* top_diff, Dtype* diff);

  // --- Sums, in an order that depends on count alone

  Dtype (*sum)(int count, const Dtype* values);
  /// Of (value - mean)^2.
  Dtype (*square_sum)(int count, Dtype mean, const Dtype* values);
  /// Of a b.
  Dtype (*dot)(int count, const Dtype* a, const Dtype* b);

  // --- Vectors

  /// out = (in + add) * factor
  void (*shift_scale)(int count, Dtype add, Dtype factor, const Dtype* in,
                      Dtype* out);
  /// out = in * factor + add
  void (*scale_shift)(int count, Dtype factor, Dtype add, const Dtype* in,
                      Dtype* out);
  /// out = (a + b * y + c) * factor, element by element of a and y
  void (*combine)(int count, const Dtype* a, Dtype b, const Dtype* y, Dtype c,
                  Dtype factor, Dtype* out);
  /// One step of stochastic gradient descent: the history becomes momentum *
  /// history + rate * (diff + decay * data), and is taken from the data.
  void (*sgd)(int count, Dtype decay, Dtype momentum, Dtype rate, Dtype* data,
              Dtype* diff, Dtype* history);
};

/// The best that run here, or as much as DRDL_KERNELS in the environment names:
/// baseline, avx2 or avx512.
template <typename Dtype>
const Kernels<Dtype>& BestKernels();

// Those for any x86-64 processor, for those with AVX2 and FMA, and for those
// with AVX-512, whose results are AVX2's to the bit.
namespace baseline {
template <typename Dtype>
const Kernels<Dtype>& All();
}
namespace avx2 {
template <typename Dtype>
const Kernels<Dtype>& All();
}
namespace avx512 {
template <typename Dtype>
const Kernels<Dtype>& All();
}

}  // namespace engine
}  // namespace drdl

#endif  // DRDL_ENGINE_KERNELS_HPP_
