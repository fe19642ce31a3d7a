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
  this->ReshapeStats(triplets, top);
  triplet_.Reshape({triplets, 3});
  active_.Reshape({triplets});
}

template <typename Dtype>
void TripletLossLayer<Dtype>::Sample_cpu(const vector<Blob<Dtype>*>& bottom) {
  const int positives = this->positives_, negatives = this->negatives_;
  const int rows = positives + negatives, dim = this->dim_;
  const Dtype* f = bottom[0]->cpu_data();
  const Blob<Dtype>* ids = Ids(bottom);
  for (int t = 0; t < this->sets_ * anchors_; ++t) {
    int* triplet = triplet_.mutable_cpu_data() + 3 * t;
    const int set = t / anchors_, anchor = t % anchors_;
    const int first = set * rows;
    if (explicit_) {
      std::fill(triplet, triplet + 3, t);
      continue;
    }
    if (!hard_) {
      const uint32_t hash =
          drdl::HashIds(ids ? ids->cpu_data() + first : nullptr, rows);
      drdl::DrawTriplet(seed_, hash, set, anchor, positives, negatives,
                        triplet);
      continue;
    }
    triplet[0] = first + anchor;
    triplet[1] = triplet[2] = -1;
    Dtype far = 0, near = 0;
    for (int r = 0; r < rows; ++r) {
      if (r == anchor) continue;
      const Dtype distance = drdl::SquaredDistance(dim, f + triplet[0] * dim,
                                                   f + (first + r) * dim);
      if (r < positives) {
        if (triplet[1] >= 0 && !drdl::Farther(distance, far)) continue;
        triplet[1] = first + r;
        far = distance;
      } else {
        if (triplet[2] >= 0 && !drdl::Nearer(distance, near)) continue;
        triplet[2] = first + r;
        near = distance;
      }
    }
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
  const Dtype* a = bottom[BottomOf(0)]->cpu_data();
  const Dtype* p = bottom[BottomOf(1)]->cpu_data();
  const Dtype* n = bottom[BottomOf(2)]->cpu_data();
  Dtype* stats = this->stats_.mutable_cpu_data();
  for (int t = 0; t < triplets; ++t) {
    const int* rows = triplet_.cpu_data() + 3 * t;
    const Dtype positive =
        drdl::SquaredDistance(dim, a + rows[0] * dim, p + rows[1] * dim);
    const Dtype negative =
        drdl::SquaredDistance(dim, a + rows[0] * dim, n + rows[2] * dim);
    const Dtype h = positive + this->margin_ - negative;
    const bool active = drdl::HingeActive(h);
    active_.mutable_cpu_data()[t] = active;
    stats[this->kLoss * triplets + t] = active ? h : Dtype(0);  // Eq. (3)
    stats[this->kActive * triplets + t] = active;
    stats[this->kPositive * triplets + t] = positive;
    stats[this->kNegative * triplets + t] = negative;
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
  const Dtype* f[3];
  Dtype* grad[3];
  for (int i = 0; i < 3; ++i) {
    Blob<Dtype>* blob = bottom[BottomOf(i)];
    f[i] = blob->cpu_data();
    grad[i] = propagate_down[BottomOf(i)] ? blob->mutable_cpu_diff() : nullptr;
    if (grad[i]) caffe_set(blob->count(), Dtype(0), grad[i]);
  }
  const int dim = this->dim_;
  const Dtype scale = top[0]->cpu_diff()[0] / this->sets_;
  for (int t = 0; t < active_.count(); ++t) {
    if (!active_.cpu_data()[t]) continue;
    const int* rows = triplet_.cpu_data() + 3 * t;
    for (int d = 0; d < dim; ++d) {
      const int a = rows[0] * dim + d, p = rows[1] * dim + d;
      const int n = rows[2] * dim + d;
      drdl::AddTripletGradient(
          f[0][a], f[1][p], f[2][n], scale, grad[0] ? grad[0] + a : nullptr,
          grad[1] ? grad[1] + p : nullptr, grad[2] ? grad[2] + n : nullptr);
    }
  }
}

#ifdef CPU_ONLY
STUB_GPU(TripletLossLayer);
#endif

INSTANTIATE_CLASS(TripletLossLayer);
REGISTER_LAYER_CLASS(TripletLoss);

}  // namespace caffe
