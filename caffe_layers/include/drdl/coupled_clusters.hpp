#ifndef DRDL_COUPLED_CLUSTERS_HPP_
#define DRDL_COUPLED_CLUSTERS_HPP_

#include "drdl/distance.hpp"
#include "drdl/hinge_terms.hpp"

// The arithmetic of one set of the coupled clusters loss, shared by the CPU
// and the GPU so that the two cannot drift apart.

namespace drdl {

/// A set's terms, from every row's squared distance to c: h_i > 0 marks the
/// active positives, nearest becomes the row of f_n* in the set.
template <typename Dtype>
DRDL_HOST_DEVICE HingeTerms<Dtype> HingeCluster(const Dtype* distance,
                                                int positives, int rows,
                                                Dtype margin, int* active,
                                                int* nearest) {
  *nearest = positives;
  for (int r = positives + 1; r < rows; ++r) {
    if (Nearer(distance[r], distance[*nearest])) *nearest = r;
  }
  HingeTerms<Dtype> terms = {0, 0, 0, distance[*nearest]};
  for (int i = 0; i < positives; ++i) {
    const Dtype h = distance[i] + margin - terms.negative;
    active[i] = HingeActive(h);
    if (active[i]) terms.loss += h / 2;
    terms.active += active[i];
    terms.positive += distance[i];
  }
  terms.active /= positives;
  terms.positive /= positives;
  return terms;
}

/// How Backward differentiates, see CoupledClustersLossLayer.
struct ClusterGradient {
  bool through_centre;  // EXACT
  bool push_once;       // PAPER

  /// `kWidth` neighbouring columns of a set: f and grad point at the first of
  /// them in the set's first row, rows are dim apart, c is the centre there.
  template <int kWidth, typename Dtype>
  DRDL_HOST_DEVICE void Columns(const Dtype* __restrict__ f,
                                const Dtype* __restrict__ c, int nearest,
                                const int* __restrict__ active, int positives,
                                int rows, int dim, Dtype scale,
                                Dtype* __restrict__ grad) const {
    const Dtype* f_near = f + nearest * dim;
    int count = 0;
    Dtype pull[kWidth] = {0};  // dL/dc, which all positives share
    for (int i = 0; i < positives; ++i) {
      if (!active[i]) continue;
      ++count;
      if (!through_centre) continue;
      for (int d = 0; d < kWidth; ++d) pull[d] += f_near[d] - f[i * dim + d];
    }
    for (int i = 0; i < positives; ++i) {
      const Dtype* own = f + i * dim;
      Dtype* out = grad + i * dim;
      if (active[i]) {  // Eq. (7)
        for (int d = 0; d < kWidth; ++d) {
          out[d] = scale * (own[d] - c[d] + pull[d] / positives);
        }
      } else {
        for (int d = 0; d < kWidth; ++d) out[d] = scale * (pull[d] / positives);
      }
    }
    for (int r = positives; r < rows; ++r) {
      const int times = r != nearest ? 0 : push_once ? count > 0 : count;
      Dtype* out = grad + r * dim;
      if (times > 0) {  // Eq. (8)
        for (int d = 0; d < kWidth; ++d) {
          out[d] = scale * times * (c[d] - f_near[d]);
        }
      } else {
        for (int d = 0; d < kWidth; ++d) out[d] = 0;
      }
    }
  }
};

}  // namespace drdl

#endif  // DRDL_COUPLED_CLUSTERS_HPP_
