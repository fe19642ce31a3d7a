#ifndef DRDL_TRIPLETS_HPP_
#define DRDL_TRIPLETS_HPP_

#include <cstdint>

#include "drdl/counter_rng.hpp"

// The parts of the triplet loss that the CPU and the GPU share.

namespace drdl {

/// FNV-1a over vehicle ids as 32-bit words; no ids hash to 0.
template <typename Dtype>
DRDL_HOST_DEVICE uint32_t HashIds(const Dtype* ids, int count) {
  if (ids == nullptr) return 0;
  uint32_t hash = 2166136261u;
  for (int i = 0; i < count; ++i) {
    const uint32_t id = static_cast<uint32_t>(static_cast<int64_t>(ids[i]));
    for (int shift = 0; shift < 32; shift += 8) {
      hash = (hash ^ (id >> shift & 0xFFu)) * 16777619u;
    }
  }
  return hash;
}

/// A random other positive and a random negative of the anchor's set, as rows
/// of the batch; anchor is its row in the set.
DRDL_HOST_DEVICE inline void DrawTriplet(uint32_t seed, uint32_t ids_hash,
                                         int set, int anchor, int positives,
                                         int negatives, int* triplet) {
  const uint32_t kStream = 0x54524950u;  // "TRIP": no other user's numbers
  CounterRng rng(seed, kStream, ids_hash, set, anchor);
  const int first = set * (positives + negatives);
  const int other = rng.Below(positives - 1);
  triplet[0] = first + anchor;
  triplet[1] = first + other + (other >= anchor);  // skips the anchor
  triplet[2] = first + positives + rng.Below(negatives);
}

/// Adds one column of Eq. (3)'s gradient of an active triplet; a null pointer
/// wants none.
template <typename Dtype>
DRDL_HOST_DEVICE void AddTripletGradient(Dtype a, Dtype p, Dtype n, Dtype scale,
                                         Dtype* grad_a, Dtype* grad_p,
                                         Dtype* grad_n) {
  if (grad_a) *grad_a += scale * 2 * (n - p);
  if (grad_p) *grad_p += scale * 2 * (p - a);
  if (grad_n) *grad_n += scale * 2 * (a - n);
}

}  // namespace drdl

#endif  // DRDL_TRIPLETS_HPP_
