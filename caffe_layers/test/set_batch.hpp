#ifndef DRDL_TEST_SET_BATCH_HPP_
#define DRDL_TEST_SET_BATCH_HPP_

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "drdl/counter_rng.hpp"
#include "drdl/input_error.hpp"

// What the tests of the set losses share: batches and how to look at them.

namespace caffe {

/// Uniform on [-scale, scale]; the same values on every platform.
template <typename Dtype>
void FillUniform(uint32_t seed, double scale, Blob<Dtype>* blob) {
  drdl::CounterRng rng(seed, 0, 0, 0);
  for (int i = 0; i < blob->count(); ++i) {
    blob->mutable_cpu_data()[i] = scale * (rng.Next() / 2147483648.0 - 1);
  }
}

/// Vehicle 100 + s for the positives of set s, a vehicle of its own for every
/// negative.
template <typename Dtype>
void FillIds(int positives, int negatives, Blob<Dtype>* ids) {
  const int rows = positives + negatives;
  for (int r = 0; r < ids->count(); ++r) {
    ids->mutable_cpu_data()[r] =
        r % rows < positives ? 100 + r / rows : 1000 + r;
  }
}

template <typename Dtype>
void FillData(const std::vector<double>& values, Blob<Dtype>* blob) {
  CHECK_EQ(static_cast<int>(values.size()), blob->count());
  std::copy(values.begin(), values.end(), blob->mutable_cpu_data());
}

/// |a - b|^2 of two rows, in double.
template <typename Dtype>
double RowDistance(const Blob<Dtype>& a, int row_a, const Blob<Dtype>& b,
                   int row_b) {
  const int dim = a.count(1);
  double sum = 0;
  for (int d = 0; d < dim; ++d) {
    sum += std::pow(static_cast<double>(a.cpu_data()[row_a * dim + d]) -
                        b.cpu_data()[row_b * dim + d],
                    2);
  }
  return sum;
}

inline double MaxAbs(const std::vector<double>& values) {
  double largest = 0;
  for (double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

/// What Forward refuses the batch with; empty if it does not.
template <typename Dtype>
std::string Refusal(Layer<Dtype>* layer,
                    const std::vector<Blob<Dtype>*>& bottom,
                    const std::vector<Blob<Dtype>*>& top) {
  try {
    layer->Forward(bottom, top);
  } catch (const drdl::InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace caffe

#endif  // DRDL_TEST_SET_BATCH_HPP_
