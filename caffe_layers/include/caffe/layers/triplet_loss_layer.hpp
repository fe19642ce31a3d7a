#ifndef CAFFE_TRIPLET_LOSS_LAYER_HPP_
#define CAFFE_TRIPLET_LOSS_LAYER_HPP_

#include <cstdint>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/set_loss_layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/**
 * @brief Triplet loss, Eq. (3) of the DRDL paper:
 *        @f$ L = \sum \max(0, |f_a - f_p|^2 + \alpha - |f_a - f_n|^2) @f$.
 *
 * Two forms:
 *  - one or two bottoms in the layout of SetLossLayer. Every positive is the
 *    anchor of one triplet; triplet_loss_param.sampling takes a RANDOM other
 *    positive and negative of the set, or the HARD ones: the farthest positive
 *    and the nearest negative (the lowest row of a tie). The sum over a set is
 *    averaged over sets.
 *  - three bottoms of one shape, anchors, positives and negatives (M x D): one
 *    triplet a row, averaged over rows.
 *
 * RANDOM draws are a pure function of the seed, the set's vehicle ids, its
 * place in the batch and the anchor: a repeated forward pass draws the same,
 * and a resumed run goes on as it would have. Without ids the draws are the
 * same in every batch.
 *
 * A NaN or infinite feature of a triplet makes the loss NaN. RANDOM does not
 * look at negatives that it did not draw.
 *
 * Tops: see SetLossLayer; the distances are those of the triplets.
 */
template <typename Dtype>
class TripletLossLayer : public SetLossLayer<Dtype> {
 public:
  explicit TripletLossLayer(const LayerParameter& param)
      : SetLossLayer<Dtype>(param), explicit_(false) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                  const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom,
               const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "TripletLoss"; }
  int MaxBottomBlobs() const override { return 3; }
  bool AllowForceBackward(const int bottom_index) const override {
    return explicit_ || bottom_index != 1;
  }

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

  /// The bottom of role i of a triplet: anchor, positive, negative.
  int BottomOf(int role) const { return explicit_ ? role : 0; }
  /// The vehicle ids, or null.
  const Blob<Dtype>* Ids(const vector<Blob<Dtype>*>& bottom) const {
    return !explicit_ && bottom.size() > 1 ? bottom[1] : nullptr;
  }
  /// Fills triplet_ on the CPU.
  void Sample_cpu(const vector<Blob<Dtype>*>& bottom);

  bool explicit_;  // three bottoms
  bool hard_;
  uint32_t seed_;
  int anchors_;  // triplets in a set
  // Cached for the backward pass:
  Blob<int> triplet_;  // triplets x 3: rows of anchor, positive, negative
  Blob<int> active_;   // whether the hinge is
};

}  // namespace caffe

#endif  // CAFFE_TRIPLET_LOSS_LAYER_HPP_
