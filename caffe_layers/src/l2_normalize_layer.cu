#include <cub/block/block_reduce.cuh>
#include <vector>

#include "caffe/layers/l2_normalize_layer.hpp"

namespace caffe {

namespace {

const int kThreads = 128;

// The sum of every thread's value, given to all threads of the block.
__device__ double BlockSum(double value) {
  using BlockReduce = cub::BlockReduce<double, kThreads>;
  __shared__ typename BlockReduce::TempStorage storage;
  __shared__ double total;
  const double sum = BlockReduce(storage).Sum(value);
  if (threadIdx.x == 0) total = sum;
  __syncthreads();
  return total;
}

// One block a row; x and y may be the same memory.
template <typename Dtype>
__global__ void L2NormalizeForward(const Dtype* x, int dim, Dtype epsilon,
                                   Dtype* norms, int* zero_rows, Dtype* y) {
  x += blockIdx.x * dim;
  y += blockIdx.x * dim;
  double partial = 0;  // squares of floats overflow and vanish in float
  for (int d = threadIdx.x; d < dim; d += kThreads) {
    partial += static_cast<double>(x[d]) * x[d];
  }
  Dtype norm = sqrt(BlockSum(partial));
  if (isinf(norm)) norm = nan("");
  const bool zero = norm <= epsilon;  // false for NaN, which spreads
  for (int d = threadIdx.x; d < dim; d += kThreads) {
    y[d] = zero ? Dtype(0) : x[d] / norm;
  }
  if (threadIdx.x == 0) {
    norms[blockIdx.x] = zero ? Dtype(0) : norm;
    if (zero) atomicAdd(zero_rows, 1);
  }
}

template <typename Dtype>
__global__ void L2NormalizeBackward(const Dtype* y, const Dtype* dy, int dim,
                                    const Dtype* norms, Dtype* dx) {
  y += blockIdx.x * dim;
  dy += blockIdx.x * dim;
  dx += blockIdx.x * dim;
  const Dtype norm = norms[blockIdx.x];
  double partial = 0;
  for (int d = threadIdx.x; d < dim; d += kThreads) {
    partial += static_cast<double>(y[d]) * dy[d];
  }
  const Dtype along = BlockSum(partial);
  for (int d = threadIdx.x; d < dim; d += kThreads) {
    dx[d] = norm == 0 ? Dtype(0) : (dy[d] - y[d] * along) / norm;
  }
}

}  // namespace

template <typename Dtype>
void L2NormalizeLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const int rows = norm_.count();
  if (rows == 0) return;  // CUDA refuses to launch no blocks
  L2NormalizeForward<Dtype><<<rows, kThreads>>>(
      bottom[0]->gpu_data(), bottom[0]->count(1), epsilon_,
      norm_.mutable_gpu_data(), zero_rows_.mutable_gpu_data(),
      top[0]->mutable_gpu_data());
  CUDA_POST_KERNEL_CHECK;
  ReportZeroRows(rows);
}

template <typename Dtype>
void L2NormalizeLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  const int rows = norm_.count();
  if (!propagate_down[0] || rows == 0) return;
  L2NormalizeBackward<Dtype><<<rows, kThreads>>>(
      top[0]->gpu_data(), top[0]->gpu_diff(), bottom[0]->count(1),
      norm_.gpu_data(), bottom[0]->mutable_gpu_diff());
  CUDA_POST_KERNEL_CHECK;
}

INSTANTIATE_LAYER_GPU_FUNCS(L2NormalizeLayer);

}  // namespace caffe
