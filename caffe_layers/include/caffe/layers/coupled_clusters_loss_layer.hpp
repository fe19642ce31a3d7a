#ifndef CAFFE_COUPLED_CLUSTERS_LOSS_LAYER_HPP_
#define CAFFE_COUPLED_CLUSTERS_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/set_loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "drdl/coupled_clusters.hpp"

namespace caffe {

/**
 * @brief Coupled clusters loss, Eq. (6) of the DRDL paper.
 *
 * For a set of P positives @f$ f_i @f$ with centre
 * @f$ c = \frac{1}{P} \sum_i f_i @f$ (Eq. 4) and the negative
 * @f$ f_n^* @f$ nearest to c (the lowest row of a tie):
 * @f$ L = \sum_i \frac{1}{2} \max(0, h_i), \quad
 *     h_i = |f_i - c|^2 + \alpha - |f_n^* - c|^2 @f$,
 * averaged over sets. With A the active positives, @f$ h_i > 0 @f$, Backward
 * gives a set, by coupled_clusters_loss_param.gradient,
 *
 * | mode            | positive @f$ f_k @f$ | @f$ f_n^* @f$, if A is not empty |
 * |-----------------|----------------------|----------------------------------|
 * | PAPER           | @f$ [k \in A](f_k - c) @f$ (Eq. 7) | @f$ c - f_n^* @f$
 *                     (Eq. 8) |
 * | CENTER_CONSTANT | the same             | @f$ |A| (c - f_n^*) @f$ |
 * | EXACT           | @f$ [k \in A](f_k - c) + \frac{1}{P} \sum_{i \in A}
 *                     (f_n^* - f_i) @f$    | @f$ |A| (c - f_n^*) @f$ |
 *
 * EXACT differentiates Eq. (6) through c, so inactive positives move too. The
 * other negatives receive zero.
 *
 * A NaN or infinite feature makes the loss NaN: its distance is NaN, which
 * counts as the nearest and as active.
 *
 * Bottoms and tops: see SetLossLayer. The positive distance is to c, the
 * negative distance that of @f$ f_n^* @f$. A collapsed net shows exactly
 * @f$ P \alpha / 2 @f$ as its loss and distances of zero.
 */
template <typename Dtype>
class CoupledClustersLossLayer : public SetLossLayer<Dtype> {
 public:
  explicit CoupledClustersLossLayer(const LayerParameter& param)
      : SetLossLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                  const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom,
               const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "CoupledClustersLoss"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                   const vector<Blob<Dtype>*>& top) override;
  void Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                   const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top,
                    const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
  void Backward_gpu(const vector<Blob<Dtype>*>& top,
                    const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

  drdl::ClusterGradient gradient_;
  Blob<Dtype> distance_;  // of every row to its set's centre
  // Cached for the backward pass:
  Blob<Dtype> centre_;  // sets x D
  Blob<int> nearest_;   // the nearest negative's row in each set
  Blob<int> active_;    // sets x positives: whether h_i > 0
};

}  // namespace caffe

#endif  // CAFFE_COUPLED_CLUSTERS_LOSS_LAYER_HPP_
