#include <cub/block/block_reduce.cuh>
#include <vector>

#include "caffe/layers/set_loss_layer.hpp"
#include "drdl/device_readings.hpp"

namespace caffe {

namespace {

const int kThreads = 1024;  // one block is all there is, and may be waited for

// Where the statistics go; null for those that nobody wants.
template <typename Dtype>
struct Tops {
  Dtype* value[drdl::kStatistics];
};

// One block. The order of every sum is fixed, so results repeat bit for bit.
template <typename Dtype>
__global__ void __launch_bounds__(kThreads)
    SummarizeKernel(const Dtype* statistics, int terms, Dtype loss_scale,
                    const Dtype* ids, int rows, int set_rows, int positives,
                    Tops<Dtype> tops, Dtype* verdict) {
  using BlockReduce = cub::BlockReduce<Dtype, kThreads>;
  __shared__ typename BlockReduce::TempStorage storage;
  for (int i = 0; i < drdl::kStatistics; ++i) {
    Dtype partial = 0;
    for (int t = threadIdx.x; t < terms; t += kThreads) {
      partial += statistics[i * terms + t];
    }
    const Dtype sum = BlockReduce(storage).Sum(partial);
    if (threadIdx.x == 0 && tops.value[i]) {
      *tops.value[i] = i == drdl::kLoss ? sum * loss_scale : sum / terms;
    }
    __syncthreads();  // storage is used again
  }
  int broken = 0;
  for (int r = threadIdx.x; r < rows; r += kThreads) {
    const bool positive = r % set_rows < positives;
    broken |= (ids[r] == ids[r - r % set_rows]) != positive;
  }
  broken = __syncthreads_or(broken);
  if (threadIdx.x == 0 && verdict) *verdict = broken;
}

}  // namespace

template <typename Dtype>
void SetLossLayer<Dtype>::Summarize_gpu(Dtype loss_scale,
                                        const Blob<Dtype>* ids,
                                        const vector<Blob<Dtype>*>& top) {
  Tops<Dtype> tops = {};
  for (size_t i = 0; i < top.size(); ++i) {
    tops.value[i] = top[i]->mutable_gpu_data();
  }
  const auto check = [this, ids](Dtype broken) {
    if (broken != 0) CheckIds(*ids);  // finds the row again and throws
  };
  auto* readings = drdl::DeviceReadings<Dtype>::Current();
  Dtype* verdict = nullptr;
  if (ids)
    verdict = readings ? readings->Add(check) : verdict_.mutable_gpu_data();
  SummarizeKernel<Dtype><<<1, kThreads>>>(
      statistics_.gpu_data(), statistics_.shape(1), loss_scale,
      ids ? ids->gpu_data() : nullptr, ids ? ids->count() : 0,
      positives_ + negatives_, positives_, tops, verdict);
  CUDA_POST_KERNEL_CHECK;
  if (ids && !readings) check(verdict_.cpu_data()[0]);
}

template void SetLossLayer<float>::Summarize_gpu(float, const Blob<float>*,
                                                 const vector<Blob<float>*>&);
template void SetLossLayer<double>::Summarize_gpu(double, const Blob<double>*,
                                                  const vector<Blob<double>*>&);

}  // namespace caffe
