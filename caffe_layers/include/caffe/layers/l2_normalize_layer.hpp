#ifndef CAFFE_L2_NORMALIZE_LAYER_HPP_
#define CAFFE_L2_NORMALIZE_LAYER_HPP_

#include <cstdint>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"

namespace caffe {

/**
 * @brief Puts rows onto the unit sphere, @f$ y = x / |x| @f$, as Eq. (3) of
 *        the DRDL paper wants its features.
 *
 * Backward: @f$ dx = (dy - y (y \cdot dy)) / |x| @f$.
 *
 * A row with @f$ |x| \le @f$ l2_normalize_param.epsilon has no direction: its
 * output and its gradient are zero. Such rows are counted, and a warning with
 * the count comes at forward passes 1, 2, 4, 8, ... and then every
 * kReportEvery-th, if there were new ones.
 *
 * A row with a NaN or infinite value, or whose norm leaves Dtype's range, is
 * NaN: divided by an infinite norm, it would pass for a zero row.
 *
 * @param bottom features (N x ...), flattened to N x D; may be the top blob
 * @param top the same shape
 */
template <typename Dtype>
class L2NormalizeLayer : public Layer<Dtype> {
 public:
  explicit L2NormalizeLayer(const LayerParameter& param)
      : Layer<Dtype>(param), passes_(0), rows_(0), reported_(0) {}
  void LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                  const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom,
               const vector<Blob<Dtype>*>& top) override;

  const char* type() const override { return "L2Normalize"; }
  int ExactNumBottomBlobs() const override { return 1; }
  int ExactNumTopBlobs() const override { return 1; }

  /// Zero rows so far.
  int zero_rows() { return zero_rows_.cpu_data()[0]; }

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

  /// Warns of zero rows when it is time to. Only then is the count fetched.
  void ReportZeroRows(int rows);

  static const int kReportEvery = 1024;
  Dtype epsilon_;
  Blob<Dtype> norm_;     // of every row, 0 for a zero row; for Backward
  Blob<int> zero_rows_;  // one counter, wherever the passes run
  int64_t passes_, rows_;
  int reported_;
};

}  // namespace caffe

#endif  // CAFFE_L2_NORMALIZE_LAYER_HPP_
