#include <vector>

#include "caffe/layers/triplet_loss_layer.hpp"
#include "caffe/util/math_functions.hpp"
#include "drdl/distance.hpp"
#include "drdl/triplets.hpp"

namespace caffe {

namespace {

const int kThreads = 256;
const int kWarp = 32;
const int kWarps = kThreads / kWarp;

// Triplets that come ready-made: row t of each of three bottoms.
__global__ void RowTriplets(int triplets, int* triplet) {
  CUDA_KERNEL_LOOP(i, drdl::kTripletRows * triplets) {
    triplet[i] = i / drdl::kTripletRows;
  }
}

template <typename Dtype>
__global__ void RandomTriplets(int triplets, uint32_t seed, const Dtype* ids,
                               int positives, int negatives, int* triplet) {
  CUDA_KERNEL_LOOP(t, triplets) {
    const int set = t / positives, rows = positives + negatives;
    const uint32_t hash = drdl::HashIds(ids ? ids + set * rows : nullptr, rows);
    drdl::DrawTriplet(seed, hash, set, t % positives, positives, negatives,
                      triplet + drdl::kTripletRows * t);
  }
}

// A warp an anchor. All lanes hold the same distances and go the same way.
template <typename Dtype>
__global__ void HardTriplets(int triplets, const Dtype* features, int dim,
                             int positives, int negatives, int* triplet) {
  const int t = blockIdx.x * kWarps + threadIdx.x / kWarp;
  if (t >= triplets) return;
  const int rows = positives + negatives, first = t / positives * rows;
  const int anchor = t % positives;
  drdl::HardTriplet<Dtype> found;
  for (int r = 0; r < rows; ++r) {
    if (r == anchor) continue;
    found.Pass(first + r, r < positives,
               drdl::WarpSquaredDistance(dim, features + (first + anchor) * dim,
                                         features + (first + r) * dim));
  }
  if (threadIdx.x % kWarp == 0) {
    found.Store(first + anchor, triplet + drdl::kTripletRows * t);
  }
}

// A warp a triplet.
template <typename Dtype>
__global__ void TripletForward(int triplets, const Dtype* a, const Dtype* p,
                               const Dtype* n, int dim, const int* triplet,
                               Dtype margin, int* active, Dtype* statistics) {
  const int t = blockIdx.x * kWarps + threadIdx.x / kWarp;
  if (t >= triplets) return;
  const int* rows = triplet + drdl::kTripletRows * t;
  const Dtype* anchor = a + rows[drdl::kAnchorRow] * dim;
  const Dtype positive = drdl::WarpSquaredDistance(
      dim, anchor, p + rows[drdl::kPositiveRow] * dim);
  const Dtype negative = drdl::WarpSquaredDistance(
      dim, anchor, n + rows[drdl::kNegativeRow] * dim);
  if (threadIdx.x % kWarp == 0) {
    const drdl::HingeTerms<Dtype> terms =
        drdl::HingeOfTriplet(positive, negative, margin);
    active[t] = terms.active;
    terms.Store(statistics, triplets, t);
  }
}

// blockIdx.x is the set. A thread owns one column of it and adds its triplets
// in order: rows are shared between triplets, yet no atomics are needed.
template <typename Dtype>
__global__ void TripletBackward(drdl::TripletFeatures<Dtype> features, int dim,
                                int anchors, const int* triplet,
                                const int* active, Dtype scale) {
  const int d = blockIdx.y * kThreads + threadIdx.x;
  if (d >= dim) return;
  for (int i = 0; i < anchors; ++i) {
    const int t = blockIdx.x * anchors + i;
    if (!active[t]) continue;
    features.AddGradient(triplet + drdl::kTripletRows * t, dim, d, scale);
  }
}

}  // namespace

template <typename Dtype>
void TripletLossLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const int triplets = active_.count();
  const int blocks = (triplets + kWarps - 1) / kWarps;
  const Blob<Dtype>* ids = Ids(bottom);
  int* triplet = triplet_.mutable_gpu_data();
  if (explicit_) {
    RowTriplets<<<blocks, kThreads>>>(triplets, triplet);
  } else if (hard_) {
    HardTriplets<Dtype><<<blocks, kThreads>>>(triplets, bottom[0]->gpu_data(),
                                              this->dim_, this->positives_,
                                              this->negatives_, triplet);
  } else {
    RandomTriplets<Dtype>
        <<<blocks, kThreads>>>(triplets, seed_, ids ? ids->gpu_data() : nullptr,
                               this->positives_, this->negatives_, triplet);
  }
  CUDA_POST_KERNEL_CHECK;
  TripletForward<Dtype><<<blocks, kThreads>>>(
      triplets, bottom[BottomOf(drdl::kAnchorRow)]->gpu_data(),
      bottom[BottomOf(drdl::kPositiveRow)]->gpu_data(),
      bottom[BottomOf(drdl::kNegativeRow)]->gpu_data(), this->dim_, triplet,
      this->margin_, active_.mutable_gpu_data(),
      this->statistics_.mutable_gpu_data());
  CUDA_POST_KERNEL_CHECK;
  this->Summarize_gpu(Dtype(1) / this->sets_, ids, top);
}

template <typename Dtype>
void TripletLossLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if (!explicit_) {
    this->RefuseIdGradient(propagate_down);
  }
  drdl::TripletFeatures<Dtype> features;
  for (int i = 0; i < drdl::kTripletRows; ++i) {
    Blob<Dtype>* blob = bottom[BottomOf(i)];
    features.value[i] = blob->gpu_data();
    features.grad[i] =
        propagate_down[BottomOf(i)] ? blob->mutable_gpu_diff() : nullptr;
    if (features.grad[i]) {
      caffe_gpu_set(blob->count(), Dtype(0), features.grad[i]);
    }
  }
  const dim3 grid(this->sets_, (this->dim_ + kThreads - 1) / kThreads);
  TripletBackward<Dtype><<<grid, kThreads>>>(
      features, this->dim_, anchors_, triplet_.gpu_data(), active_.gpu_data(),
      top[0]->cpu_diff()[0] / this->sets_);
  CUDA_POST_KERNEL_CHECK;
}

INSTANTIATE_LAYER_GPU_FUNCS(TripletLossLayer);

}  // namespace caffe
