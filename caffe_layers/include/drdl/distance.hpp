#ifndef DRDL_DISTANCE_HPP_
#define DRDL_DISTANCE_HPP_

#include <cmath>

#include "drdl/counter_rng.hpp"  // DRDL_HOST_DEVICE

namespace drdl {

// A distance to an infinite feature is NaN, not infinite: a negative at
// infinity would otherwise pass for one that is well separated.

/// |a - b|^2; summed in double, so that float only rounds the result.
template <typename Dtype>
Dtype SquaredDistance(int dim, const Dtype* a, const Dtype* b) {
  const int kSums = 8;  // which do not wait for one another
  double sums[kSums] = {0};
  const int even = dim - dim % kSums;
  for (int d = 0; d < even; d += kSums) {
    for (int i = 0; i < kSums; ++i) {
      const double diff = static_cast<double>(a[d + i]) - b[d + i];
      sums[i] += diff * diff;
    }
  }
  for (int d = even; d < dim; ++d) {
    const double diff = static_cast<double>(a[d]) - b[d];
    sums[d - even] += diff * diff;
  }
  double sum = 0;
  for (double part : sums) sum += part;
  if (std::isinf(sum)) {  // too large for a number, or is a feature infinite?
    for (int d = 0; d < dim; ++d) {
      const double diff = static_cast<double>(a[d]) - b[d];
      sum += diff - diff;  // 0 of a number, NaN of infinity
    }
  }
  return static_cast<Dtype>(sum);
}

// A NaN distance beats every number in both directions: a search for the
// nearest or farthest row then carries it into the loss instead of hiding it.
// Equal distances do not beat each other: the lowest row wins a tie.

template <typename Dtype>
DRDL_HOST_DEVICE bool Nearer(Dtype distance, Dtype best) {
  return distance < best || (distance != distance && best == best);
}

template <typename Dtype>
DRDL_HOST_DEVICE bool Farther(Dtype distance, Dtype best) {
  return distance > best || (distance != distance && best == best);
}

/// Whether max(0, x) passes x on. NaN does, where max(0, NaN) could be 0.
template <typename Dtype>
DRDL_HOST_DEVICE bool HingeActive(Dtype x) {
  return !(x <= 0);
}

#ifdef __CUDACC__
/// The sum over a whole warp; every lane returns the same bits.
__device__ inline double WarpSum(double sum) {
  for (int offset = 16; offset > 0; offset /= 2) {
    sum += __shfl_xor_sync(0xffffffffu, sum, offset);
  }
  return sum;
}

/// SquaredDistance by one whole warp; every lane returns the same bits.
template <typename Dtype>
__device__ Dtype WarpSquaredDistance(int dim, const Dtype* a, const Dtype* b) {
  const int lane = threadIdx.x % 32;
  double sum = 0;
  for (int d = lane; d < dim; d += 32) {
    const double diff = static_cast<double>(a[d]) - b[d];
    sum += diff * diff;
  }
  sum = WarpSum(sum);
  if (isinf(sum)) {  // for all lanes: too large, or is a feature infinite?
    double spoilt = 0;
    for (int d = lane; d < dim; d += 32) {
      const double diff = static_cast<double>(a[d]) - b[d];
      spoilt += diff - diff;
    }
    sum += WarpSum(spoilt);
  }
  return static_cast<Dtype>(sum);
}
#endif  // __CUDACC__

}  // namespace drdl

#endif  // DRDL_DISTANCE_HPP_
