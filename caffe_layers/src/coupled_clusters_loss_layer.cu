#include <vector>

#include "caffe/layers/coupled_clusters_loss_layer.hpp"
#include "drdl/distance.hpp"

namespace caffe {

namespace {

const int kThreads = 256;
const int kWarp = 32;

// One block a set.
template <typename Dtype>
__global__ void CoupledClustersForward(const Dtype* features, int dim,
                                       int positives, int rows, Dtype margin,
                                       Dtype* centre, Dtype* distance,
                                       int* nearest, int* active,
                                       Dtype* statistics) {
  const int set = blockIdx.x;
  const Dtype* f = features + set * rows * dim;
  Dtype* c = centre + set * dim;
  distance += set * rows;
  for (int d = threadIdx.x; d < dim; d += kThreads) {  // a thread a column
    Dtype sum = 0;
    for (int i = 0; i < positives; ++i) {
      sum += f[i * dim + d];
    }
    c[d] = sum / positives;  // Eq. (4)
  }
  __syncthreads();
  // A warp a row.
  for (int r = threadIdx.x / kWarp; r < rows; r += kThreads / kWarp) {
    const Dtype squared = drdl::WarpSquaredDistance(dim, f + r * dim, c);
    if (threadIdx.x % kWarp == 0) distance[r] = squared;
  }
  __syncthreads();
  if (threadIdx.x == 0) {  // a handful of rows is left
    drdl::HingeCluster(distance, positives, rows, margin,
                       active + set * positives, nearest + set)
        .Store(statistics, gridDim.x, set);
  }
}

// blockIdx.x is the set; a thread owns one column of it.
template <typename Dtype>
__global__ void CoupledClustersBackward(const Dtype* __restrict__ features,
                                        const Dtype* __restrict__ centre,
                                        const int* __restrict__ nearest,
                                        const int* __restrict__ active, int dim,
                                        int positives, int rows, Dtype scale,
                                        drdl::ClusterGradient gradient,
                                        Dtype* __restrict__ diff) {
  const int set = blockIdx.x, d = blockIdx.y * kThreads + threadIdx.x;
  if (d >= dim) return;
  const int column = set * rows * dim + d;
  gradient.template Columns<1>(features + column, centre + set * dim + d,
                               nearest[set], active + set * positives,
                               positives, rows, dim, scale, diff + column);
}

}  // namespace

template <typename Dtype>
void CoupledClustersLossLayer<Dtype>::Forward_gpu(
    const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  CoupledClustersForward<Dtype><<<this->sets_, kThreads>>>(
      bottom[0]->gpu_data(), this->dim_, this->positives_,
      this->positives_ + this->negatives_, this->margin_,
      centre_.mutable_gpu_data(), distance_.mutable_gpu_data(),
      nearest_.mutable_gpu_data(), active_.mutable_gpu_data(),
      this->statistics_.mutable_gpu_data());
  CUDA_POST_KERNEL_CHECK;
  this->Summarize_gpu(Dtype(1) / this->sets_,
                      bottom.size() > 1 ? bottom[1] : nullptr, top);
}

template <typename Dtype>
void CoupledClustersLossLayer<Dtype>::Backward_gpu(
    const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
    const vector<Blob<Dtype>*>& bottom) {
  this->RefuseIdGradient(propagate_down);
  if (!propagate_down[0]) return;
  const dim3 grid(this->sets_, (this->dim_ + kThreads - 1) / kThreads);
  CoupledClustersBackward<Dtype><<<grid, kThreads>>>(
      bottom[0]->gpu_data(), centre_.gpu_data(), nearest_.gpu_data(),
      active_.gpu_data(), this->dim_, this->positives_,
      this->positives_ + this->negatives_, top[0]->cpu_diff()[0] / this->sets_,
      gradient_, bottom[0]->mutable_gpu_diff());
  CUDA_POST_KERNEL_CHECK;
}

INSTANTIATE_LAYER_GPU_FUNCS(CoupledClustersLossLayer);

}  // namespace caffe
