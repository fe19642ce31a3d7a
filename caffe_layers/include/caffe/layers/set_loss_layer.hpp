#ifndef CAFFE_SET_LOSS_LAYER_HPP_
#define CAFFE_SET_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "drdl/hinge_terms.hpp"

namespace caffe {

/**
 * @brief What the losses over sets of images share: the batch layout, the
 *        check of the vehicle ids and the diagnostic tops.
 *
 * Layout of a batch: [set][positives, then negatives]. The positives of a set
 * show one vehicle, its negatives other vehicles.
 *
 * @param bottom
 *   -# features (N x ...), flattened to N x D
 *   -# vehicle ids (N), optional: then every set is verified in each forward
 *      pass, and a violation throws drdl::InputError
 * @param top scalars; only the first is a loss, the others are optional
 *   -# the loss, averaged over sets
 *   -# the share of active hinge terms
 *   -# the mean squared positive distance
 *   -# the mean squared negative distance
 */
template <typename Dtype>
class SetLossLayer : public LossLayer<Dtype> {
 public:
  explicit SetLossLayer(const LayerParameter& param)
      : LossLayer<Dtype>(param) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                  const vector<Blob<Dtype>*>& top) override;

  int ExactNumBottomBlobs() const override { return -1; }
  int MinBottomBlobs() const override { return 1; }
  int MaxBottomBlobs() const override { return 2; }
  int ExactNumTopBlobs() const override { return -1; }
  int MinTopBlobs() const override { return 1; }
  int MaxTopBlobs() const override { return drdl::kStatistics; }

 protected:
  /// Takes the sizes of a set and refuses what cannot form one.
  void SetSizes(int positives, int min_positives, int negatives, Dtype margin);
  /// Cuts bottom[0] (and the ids, if given) into sets.
  void ReshapeSets(const vector<Blob<Dtype>*>& bottom);
  /// Shapes the tops, and statistics_ for so many hinge terms or sets.
  void ReshapeStatistics(int terms, const vector<Blob<Dtype>*>& top);

  /// Throws drdl::InputError unless positives are alike and negatives differ.
  void CheckIds(const Blob<Dtype>& ids) const;
  /// Vehicle ids have no gradient.
  void RefuseIdGradient(const vector<bool>& propagate_down) const;
  /// Fills the tops from statistics_: sums, the loss times loss_scale, the
  /// others divided by the number of terms.
  void Summarize_cpu(Dtype loss_scale, const vector<Blob<Dtype>*>& top);
  /// The same on the device, and CheckIds too where ids is not null: the
  /// verdict reaches the host with the net's losses.
  void Summarize_gpu(Dtype loss_scale, const Blob<Dtype>* ids,
                     const vector<Blob<Dtype>*>& top);

  int sets_, positives_, negatives_, dim_;
  Dtype margin_;
  Blob<Dtype> statistics_;  // drdl::kStatistics x terms
  Blob<Dtype> verdict_;     // whether the ids broke the layout
};

}  // namespace caffe

#endif  // CAFFE_SET_LOSS_LAYER_HPP_
