#include "caffe/layers/coupled_clusters_loss_layer.hpp"

#include <vector>

#include "caffe/util/math_functions.hpp"
#include "drdl/distance.hpp"

namespace caffe {

namespace {

// Columns that Backward takes at a time: enough for vector instructions, few
// enough that a set's stay in the cache.
const int kWidth = 64;

}  // namespace

template <typename Dtype>
void CoupledClustersLossLayer<Dtype>::LayerSetUp(
    const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  SetLossLayer<Dtype>::LayerSetUp(bottom, top);
  const CoupledClustersLossParameter& param =
      this->layer_param_.coupled_clusters_loss_param();
  this->SetSizes(param.positives(), 1, param.negatives(), param.margin());
  gradient_.through_centre =
      param.gradient() == CoupledClustersLossParameter::EXACT;
  gradient_.push_once = param.gradient() == CoupledClustersLossParameter::PAPER;
}

template <typename Dtype>
void CoupledClustersLossLayer<Dtype>::Reshape(
    const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  this->ReshapeSets(bottom);
  this->ReshapeStatistics(this->sets_, top);
  distance_.Reshape({this->sets_, this->positives_ + this->negatives_});
  centre_.Reshape({this->sets_, this->dim_});
  nearest_.Reshape({this->sets_});
  active_.Reshape({this->sets_, this->positives_});
}

template <typename Dtype>
void CoupledClustersLossLayer<Dtype>::Forward_cpu(
    const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if (bottom.size() > 1) {
    this->CheckIds(*bottom[1]);
  }
  const int sets = this->sets_, dim = this->dim_;
  const int positives = this->positives_;
  const int rows = positives + this->negatives_;
  Dtype* statistics = this->statistics_.mutable_cpu_data();
  for (int s = 0; s < sets; ++s) {
    const Dtype* f = bottom[0]->cpu_data() + s * rows * dim;
    Dtype* c = centre_.mutable_cpu_data() + s * dim;
    Dtype* distance = distance_.mutable_cpu_data() + s * rows;
    caffe_set(dim, Dtype(0), c);
    for (int i = 0; i < positives; ++i) {
      caffe_axpy(dim, Dtype(1) / positives, f + i * dim, c);  // Eq. (4)
    }
    for (int r = 0; r < rows; ++r) {
      distance[r] = drdl::SquaredDistance(dim, f + r * dim, c);
    }
    drdl::HingeCluster(distance, positives, rows, this->margin_,
                       active_.mutable_cpu_data() + s * positives,
                       nearest_.mutable_cpu_data() + s)
        .Store(statistics, sets, s);
  }
  this->Summarize_cpu(Dtype(1) / sets, top);
}

template <typename Dtype>
void CoupledClustersLossLayer<Dtype>::Backward_cpu(
    const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
    const vector<Blob<Dtype>*>& bottom) {
  this->RefuseIdGradient(propagate_down);
  if (!propagate_down[0]) return;
  const int dim = this->dim_, positives = this->positives_;
  const int rows = positives + this->negatives_;
  const Dtype scale = top[0]->cpu_diff()[0] / this->sets_;
  for (int s = 0; s < this->sets_; ++s) {
    const Dtype* f = bottom[0]->cpu_data() + s * rows * dim;
    const Dtype* c = centre_.cpu_data() + s * dim;
    Dtype* grad = bottom[0]->mutable_cpu_diff() + s * rows * dim;
    const int nearest = nearest_.cpu_data()[s];
    const int* active = active_.cpu_data() + s * positives;
    int d = 0;
    for (; d + kWidth <= dim; d += kWidth) {
      gradient_.template Columns<kWidth>(f + d, c + d, nearest, active,
                                         positives, rows, dim, scale, grad + d);
    }
    for (; d < dim; ++d) {
      gradient_.template Columns<1>(f + d, c + d, nearest, active, positives,
                                    rows, dim, scale, grad + d);
    }
  }
}

#ifdef CPU_ONLY
STUB_GPU(CoupledClustersLossLayer);
#endif

INSTANTIATE_CLASS(CoupledClustersLossLayer);
REGISTER_LAYER_CLASS(CoupledClustersLoss);

}  // namespace caffe
