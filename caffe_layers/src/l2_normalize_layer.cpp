#include "caffe/layers/l2_normalize_layer.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "caffe/util/math_functions.hpp"

namespace caffe {

template <typename Dtype>
void L2NormalizeLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  epsilon_ = this->layer_param_.l2_normalize_param().epsilon();
  CHECK(std::isfinite(epsilon_) && epsilon_ >= 0)
      << this->layer_param_.name()
      << ": expected an epsilon of at least 0, got " << epsilon_;
  zero_rows_.Reshape({1});
  zero_rows_.mutable_cpu_data()[0] = 0;
}

template <typename Dtype>
void L2NormalizeLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom,
                                      const vector<Blob<Dtype>*>& top) {
  top[0]->ReshapeLike(*bottom[0]);
  norm_.Reshape({bottom[0]->shape(0)});
}

template <typename Dtype>
void L2NormalizeLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const int rows = norm_.count(), dim = bottom[0]->count(1);
  for (int r = 0; r < rows; ++r) {
    const Dtype* x = bottom[0]->cpu_data() + r * dim;
    Dtype* y = top[0]->mutable_cpu_data() + r * dim;
    double sum = 0;  // squares of floats overflow and vanish in float
    for (int d = 0; d < dim; ++d) {
      sum += static_cast<double>(x[d]) * x[d];
    }
    Dtype norm = std::sqrt(sum);
    if (std::isinf(norm)) norm = std::numeric_limits<Dtype>::quiet_NaN();
    const bool zero = norm <= epsilon_;  // false for NaN, which spreads
    norm_.mutable_cpu_data()[r] = zero ? Dtype(0) : norm;
    for (int d = 0; d < dim; ++d) {
      y[d] = zero ? Dtype(0) : x[d] / norm;
    }
    zero_rows_.mutable_cpu_data()[0] += zero;
  }
  ReportZeroRows(rows);
}

template <typename Dtype>
void L2NormalizeLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int dim = bottom[0]->count(1);
  for (int r = 0; r < norm_.count(); ++r) {
    const Dtype* y = top[0]->cpu_data() + r * dim;
    const Dtype* dy = top[0]->cpu_diff() + r * dim;
    Dtype* dx = bottom[0]->mutable_cpu_diff() + r * dim;
    const Dtype norm = norm_.cpu_data()[r];
    const Dtype along = caffe_cpu_dot(dim, y, dy);
    for (int d = 0; d < dim; ++d) {
      dx[d] = norm == 0 ? Dtype(0) : (dy[d] - y[d] * along) / norm;
    }
  }
}

template <typename Dtype>
void L2NormalizeLayer<Dtype>::ReportZeroRows(int rows) {
  ++passes_;
  rows_ += rows;
  const bool power_of_two = (passes_ & (passes_ - 1)) == 0;
  if (passes_ % kReportEvery != 0 &&
      !(power_of_two && passes_ < kReportEvery)) {
    return;
  }
  const int count = zero_rows();
  if (count > reported_) {
    LOG(WARNING) << this->layer_param_.name() << ": " << count << " of "
                 << rows_ << " rows in " << passes_
                 << " forward passes had a norm of at most " << epsilon_
                 << "; they were passed on as zeros without gradient";
    reported_ = count;
  }
}

#ifdef CPU_ONLY
STUB_GPU(L2NormalizeLayer);
#endif

INSTANTIATE_CLASS(L2NormalizeLayer);
REGISTER_LAYER_CLASS(L2Normalize);

}  // namespace caffe
