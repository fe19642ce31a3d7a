#ifndef DRDL_TRIPLETS_HPP_
#define DRDL_TRIPLETS_HPP_

#include <cstdint>

#include "drdl/counter_rng.hpp"
#include "drdl/distance.hpp"
#include "drdl/hinge_terms.hpp"

// The parts of the triplet loss that the CPU and the GPU share.

namespace drdl {

/// The rows of a triplet, by their places in it.
enum { kAnchorRow, kPositiveRow, kNegativeRow, kTripletRows };

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
  triplet[kAnchorRow] = first + anchor;
  triplet[kPositiveRow] = first + other + (other >= anchor);  // not the anchor
  triplet[kNegativeRow] = first + positives + rng.Below(negatives);
}

/// An anchor's farthest positive and nearest negative, found by passing every
/// other row of its set in order.
template <typename Dtype>
struct HardTriplet {
  int farthest = -1, nearest = -1;
  Dtype far = 0, near = 0;

  DRDL_HOST_DEVICE void Pass(int row, bool positive, Dtype distance) {
    if (positive && (farthest < 0 || Farther(distance, far))) {
      farthest = row;
      far = distance;
    }
    if (!positive && (nearest < 0 || Nearer(distance, near))) {
      nearest = row;
      near = distance;
    }
  }
  DRDL_HOST_DEVICE void Store(int anchor, int* triplet) const {
    triplet[kAnchorRow] = anchor;
    triplet[kPositiveRow] = farthest;
    triplet[kNegativeRow] = nearest;
  }
};

/// Eq. (3) for one triplet, from the squared distances of its anchor.
template <typename Dtype>
DRDL_HOST_DEVICE HingeTerms<Dtype> HingeOfTriplet(Dtype positive,
                                                  Dtype negative,
                                                  Dtype margin) {
  const Dtype h = positive + margin - negative;
  const bool active = HingeActive(h);
  return {active ? h : Dtype(0), Dtype(active), positive, negative};
}

/// The features that triplets are rows of, and where their gradients go; null
/// where none is wanted. All three may be the same memory.
template <typename Dtype>
struct TripletFeatures {
  const Dtype* value[kTripletRows];
  Dtype* grad[kTripletRows];

  /// Adds column d of Eq. (3)'s gradient of an active triplet.
  DRDL_HOST_DEVICE void AddGradient(const int* rows, int dim, int d,
                                    Dtype scale) const {
    const Dtype a = value[kAnchorRow][rows[kAnchorRow] * dim + d];
    const Dtype p = value[kPositiveRow][rows[kPositiveRow] * dim + d];
    const Dtype n = value[kNegativeRow][rows[kNegativeRow] * dim + d];
    const Dtype along[kTripletRows] = {n - p, p - a, a - n};
    for (int i = 0; i < kTripletRows; ++i) {
      if (grad[i]) grad[i][rows[i] * dim + d] += scale * 2 * along[i];
    }
  }
};

}  // namespace drdl

#endif  // DRDL_TRIPLETS_HPP_
