#ifndef DRDL_HINGE_TERMS_HPP_
#define DRDL_HINGE_TERMS_HPP_

#include "drdl/counter_rng.hpp"  // DRDL_HOST_DEVICE

namespace drdl {

/// The statistics of a loss over sets; one for each of its possible tops.
enum Statistic { kLoss, kActive, kPositive, kNegative, kStatistics };

/// What one set, or one triplet, adds to each of them.
template <typename Dtype>
struct HingeTerms {
  Dtype loss;      // Eq. (6), Eq. (3)
  Dtype active;    // share of the hinge terms that are above 0
  Dtype positive;  // mean squared distance of the positives
  Dtype negative;  // squared distance of the negative

  /// Writes column t of kStatistics x count numbers.
  DRDL_HOST_DEVICE void Store(Dtype* statistics, int count, int t) const {
    statistics[kLoss * count + t] = loss;
    statistics[kActive * count + t] = active;
    statistics[kPositive * count + t] = positive;
    statistics[kNegative * count + t] = negative;
  }
};

}  // namespace drdl

#endif  // DRDL_HINGE_TERMS_HPP_
