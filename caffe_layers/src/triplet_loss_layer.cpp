#include "caffe/layers/triplet_loss_layer.hpp"

#include <algorithm>
#include <vector>

#include "caffe/util/math_functions.hpp"
#include "drdl/distance.hpp"
#include "drdl/triplets.hpp"

namespace caffe {

template <typename Dtype>
void TripletLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  SetLossLayer<Dtype>::LayerSetUp(bottom, top);
  const TripletLossParameter& param = this->layer_param_.triplet_loss_param();
  explicit_ = bottom.size() == 3;
  hard_ = param.sampling() == TripletLossParameter::HARD;
  seed_ = param.seed();
  // An anchor needs another positive, unless triplets come ready-made.
  this->SetSizes(param.positives(), explicit_ ? 1 : 2, param.negatives(),
                 param.margin());
}

template <typename Dtype>
void TripletLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  if (explicit_) {
    for (int i = 1; i < 3; ++i) {
      CHECK(bottom[i]->shape() == bottom[0]->shape())
          << this->layer_param_.name()
          << ": expected anchors, positives and negatives of one shape, got "
          << bottom[0]->shape_string() << " and bottom " << i << " of "
          << bottom[i]->shape_string();
    }
    this->sets_ = bottom[0]->shape(0);
    this->dim_ = bottom[0]->count(1);
    anchors_ = 1;
  } else {
    this->ReshapeSets(bottom);
    anchors_ = this->positives_;
  }
  const int triplets = this->sets_ * anchors_;
  this->ReshapeStatistics(triplets, top);
  triplet_.Reshape({triplets, drdl::kTripletRows});
  active_.Reshape({triplets});
}

template <typename Dtype>
void TripletLossLayer<Dtype>::Sample_cpu(const vector<Blob<Dtype>*>& bottom) {
  const int positives = this->positives_, negatives = this->negatives_;
  const int rows = positives + negatives, dim = this->dim_;
  const Dtype* f = bottom[0]->cpu_data();
  const Blob<Dtype>* ids = Ids(bottom);
  for (int t = 0; t < this->sets_ * anchors_; ++t) {
    int* triplet = triplet_.mutable_cpu_data() + drdl::kTripletRows * t;
    const int set = t / anchors_, anchor = t % anchors_;
    const int first = set * rows;
    if (explicit_) {
      std::fill(triplet, triplet + drdl::kTripletRows, t);
      continue;
    }
    if (!hard_) {
      const uint32_t hash =
          drdl::HashIds(ids ? ids->cpu_data() + first : nullptr, rows);
      drdl::DrawTriplet(seed_, hash, set, anchor, positives, negatives,
                        triplet);
      continue;
    }
    drdl::HardTriplet<Dtype> found;
    for (int r = 0; r < rows; ++r) {
      if (r == anchor) continue;
      found.Pass(first + r, r < positives,
                 drdl::SquaredDistance(dim, f + (first + anchor) * dim,
                                       f + (first + r) * dim));
    }
    found.Store(first + anchor, triplet);
  }
}

template <typename Dtype>
void TripletLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  if (Ids(bottom)) {
    this->CheckIds(*Ids(bottom));
  }
  Sample_cpu(bottom);
  const int triplets = active_.count(), dim = this->dim_;
  const Dtype* a = bottom[BottomOf(drdl::kAnchorRow)]->cpu_data();
  const Dtype* p = bottom[BottomOf(drdl::kPositiveRow)]->cpu_data();
  const Dtype* n = bottom[BottomOf(drdl::kNegativeRow)]->cpu_data();
  Dtype* statistics = this->statistics_.mutable_cpu_data();
  for (int t = 0; t < triplets; ++t) {
    const int* rows = triplet_.cpu_data() + drdl::kTripletRows * t;
    const Dtype* anchor = a + rows[drdl::kAnchorRow] * dim;
    const drdl::HingeTerms<Dtype> terms = drdl::HingeOfTriplet(
        drdl::SquaredDistance(dim, anchor, p + rows[drdl::kPositiveRow] * dim),
        drdl::SquaredDistance(dim, anchor, n + rows[drdl::kNegativeRow] * dim),
        this->margin_);
    active_.mutable_cpu_data()[t] = terms.active;
    terms.Store(statistics, triplets, t);
  }
  this->Summarize_cpu(Dtype(1) / this->sets_, top);
}

template <typename Dtype>
void TripletLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if (!explicit_) {
    this->RefuseIdGradient(propagate_down);
  }
  drdl::TripletFeatures<Dtype> features;
  for (int i = 0; i < drdl::kTripletRows; ++i) {
    Blob<Dtype>* blob = bottom[BottomOf(i)];
    features.value[i] = blob->cpu_data();
    features.grad[i] =
        propagate_down[BottomOf(i)] ? blob->mutable_cpu_diff() : nullptr;
    if (features.grad[i]) caffe_set(blob->count(), Dtype(0), features.grad[i]);
  }
  const Dtype scale = top[0]->cpu_diff()[0] / this->sets_;
  for (int t = 0; t < active_.count(); ++t) {
    if (!active_.cpu_data()[t]) continue;
    const int* rows = triplet_.cpu_data() + drdl::kTripletRows * t;
    for (int d = 0; d < this->dim_; ++d) {
      features.AddGradient(rows, this->dim_, d, scale);
    }
  }
}

#ifdef CPU_ONLY
STUB_GPU(TripletLossLayer);
#endif

INSTANTIATE_CLASS(TripletLossLayer);
REGISTER_LAYER_CLASS(TripletLoss);

}  // namespace caffe
