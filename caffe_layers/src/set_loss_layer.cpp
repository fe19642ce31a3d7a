#include "caffe/layers/set_loss_layer.hpp"

#include <cmath>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "drdl/input_error.hpp"

namespace caffe {

template <typename Dtype>
void SetLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  LossLayer<Dtype>::LayerSetUp(bottom, top);
  // Caffe wants a loss weight for every top; the user gives the loss's only.
  LayerParameter& param = this->layer_param_;
  while (param.loss_weight_size() < static_cast<int>(top.size())) {
    param.add_loss_weight(0);
  }
  for (int i = 1; i < param.loss_weight_size(); ++i) {
    CHECK_EQ(param.loss_weight(i), 0)
        << param.name() << ": top " << i
        << " is a diagnostic without gradient; expected loss_weight 0, got "
        << param.loss_weight(i);
  }
}

template <typename Dtype>
void SetLossLayer<Dtype>::SetSizes(int positives, int min_positives,
                                   int negatives, Dtype margin) {
  const string& name = this->layer_param_.name();
  CHECK_GE(positives, min_positives)
      << name << ": expected at least " << min_positives
      << " positives in a set, got " << positives;
  CHECK_GE(negatives, 1) << name
                         << ": expected at least 1 negative in a set, got "
                         << negatives;
  CHECK(std::isfinite(margin) && margin >= 0)
      << name << ": expected a margin of at least 0, got " << margin;
  positives_ = positives;
  negatives_ = negatives;
  margin_ = margin;
}

template <typename Dtype>
void SetLossLayer<Dtype>::ReshapeSets(const vector<Blob<Dtype>*>& bottom) {
  const string& name = this->layer_param_.name();
  const int rows = bottom[0]->shape(0);
  const int set_rows = positives_ + negatives_;
  CHECK(rows > 0 && rows % set_rows == 0)
      << name << ": expected a batch of whole sets, a multiple of "
      << positives_ << " positives + " << negatives_
      << " negatives = " << set_rows << " rows, got " << rows;
  if (bottom.size() > 1) {
    CHECK_EQ(bottom[1]->count(), rows)
        << name << ": expected one vehicle id for each of " << rows
        << " rows, got " << bottom[1]->count();
  }
  sets_ = rows / set_rows;
  dim_ = bottom[0]->count(1);
}

template <typename Dtype>
void SetLossLayer<Dtype>::ReshapeStatistics(int terms,
                                            const vector<Blob<Dtype>*>& top) {
  statistics_.Reshape({drdl::kStatistics, terms});
  verdict_.Reshape({1});
  for (Blob<Dtype>* blob : top) {
    blob->Reshape(vector<int>());  // a scalar
  }
}

template <typename Dtype>
void SetLossLayer<Dtype>::CheckIds(const Blob<Dtype>& ids) const {
  const int set_rows = positives_ + negatives_;
  for (int row = 0; row < sets_ * set_rows; ++row) {
    const int set = row / set_rows, row_in_set = row % set_rows;
    const Dtype id = ids.cpu_data()[row];
    const Dtype positive_id = ids.cpu_data()[set * set_rows];
    const bool positive = row_in_set < positives_;
    if ((id == positive_id) == positive) continue;
    std::ostringstream what;
    what.precision(10);
    what << this->type() << ": set " << set << ", row " << row_in_set
         << " is a " << (positive ? "positive" : "negative")
         << " with vehicle id " << id << "; the set's vehicle is "
         << positive_id;
    throw drdl::InputError(
        what.str(),
        "layer " + this->layer_param_.name() + ", batch row " +
            std::to_string(row),
        "order the batch as sets of " + std::to_string(positives_) +
            " images of one vehicle, then " + std::to_string(negatives_) +
            " of others; positives and negatives must be those of the data");
  }
}

template <typename Dtype>
void SetLossLayer<Dtype>::RefuseIdGradient(
    const vector<bool>& propagate_down) const {
  if (propagate_down.size() > 1 && propagate_down[1]) {
    LOG(FATAL) << this->type()
               << " Layer cannot backpropagate to vehicle id inputs.";
  }
}

template <typename Dtype>
void SetLossLayer<Dtype>::Summarize_cpu(Dtype loss_scale,
                                        const vector<Blob<Dtype>*>& top) {
  const int terms = statistics_.shape(1);
  for (size_t i = 0; i < top.size(); ++i) {
    const Dtype* stat = statistics_.cpu_data() + i * terms;
    const Dtype sum = std::accumulate(stat, stat + terms, Dtype(0));
    top[i]->mutable_cpu_data()[0] =
        i == drdl::kLoss ? sum * loss_scale : sum / terms;
  }
}

INSTANTIATE_CLASS(SetLossLayer);

}  // namespace caffe
