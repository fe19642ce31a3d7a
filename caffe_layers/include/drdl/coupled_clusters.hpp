#ifndef DRDL_COUPLED_CLUSTERS_HPP_
#define DRDL_COUPLED_CLUSTERS_HPP_

#include "drdl/distance.hpp"

// The arithmetic of one set of the coupled clusters loss, shared by the CPU
// and the GPU so that the two cannot drift apart.

namespace drdl {

/// A set's share of the loss and of its diagnostics.
template <typename Dtype>
struct ClusterTerms {
  Dtype loss;      // Eq. (6)
  Dtype active;    // share of the positives with h_i > 0
  Dtype positive;  // mean |f_i - c|^2
  Dtype negative;  // |f_n* - c|^2
  int nearest;     // row of f_n* in the set
};

/// From every row's squared distance to c; marks the active positives.
template <typename Dtype>
DRDL_HOST_DEVICE ClusterTerms<Dtype> HingeCluster(const Dtype* distance,
                                                  int positives, int rows,
                                                  Dtype margin, int* active) {
  ClusterTerms<Dtype> terms = {0, 0, 0, 0, positives};
  for (int r = positives + 1; r < rows; ++r) {
    if (Nearer(distance[r], distance[terms.nearest])) terms.nearest = r;
  }
  terms.negative = distance[terms.nearest];
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

  /// One column of a set: f and grad point at its first row, rows are dim
  /// apart, c is the centre's value there.
  template <typename Dtype>
  DRDL_HOST_DEVICE void Column(const Dtype* f, Dtype c, int nearest,
                               const int* active, int positives, int rows,
                               int dim, Dtype scale, Dtype* grad) const {
    const Dtype f_near = f[nearest * dim];
    int count = 0;
    Dtype pull = 0;  // dL/dc, which all positives share
    for (int i = 0; i < positives; ++i) {
      if (!active[i]) continue;
      ++count;
      if (through_centre) pull += f_near - f[i * dim];
    }
    for (int i = 0; i < positives; ++i) {
      const Dtype own = active[i] ? f[i * dim] - c : Dtype(0);  // Eq. (7)
      grad[i * dim] = scale * (own + pull / positives);
    }
    const Dtype push = c - f_near;  // Eq. (8)
    for (int r = positives; r < rows; ++r) {
      const int times = r != nearest ? 0 : push_once ? count > 0 : count;
      grad[r * dim] = times > 0 ? scale * times * push : Dtype(0);
    }
  }
};

}  // namespace drdl

#endif  // DRDL_COUPLED_CLUSTERS_HPP_
