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
  CUDA_KERNEL_LOOP(i, 3 * triplets) { triplet[i] = i / 3; }
}

template <typename Dtype>
__global__ void RandomTriplets(int triplets, uint32_t seed, const Dtype* ids,
                               int positives, int negatives, int* triplet) {
  CUDA_KERNEL_LOOP(t, triplets) {
    const int set = t / positives, rows = positives + negatives;
    const uint32_t hash = drdl::HashIds(ids ? ids + set * rows : nullptr, rows);
    drdl::DrawTriplet(seed, hash, set, t % positives, positives, negatives,
                      triplet + 3 * t);
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
  int farthest = -1, nearest = -1;
  Dtype far = 0, near = 0;
  for (int r = 0; r < rows; ++r) {
    if (r == anchor) continue;
    const Dtype distance = drdl::WarpSquaredDistance(
        dim, features + (first + anchor) * dim, features + (first + r) * dim);
    if (r < positives) {
      if (farthest >= 0 && !drdl::Farther(distance, far)) continue;
      farthest = r;
      far = distance;
    } else {
      if (nearest >= 0 && !drdl::Nearer(distance, near)) continue;
      nearest = r;
      near = distance;
    }
  }
  if (threadIdx.x % kWarp == 0) {
    triplet[3 * t] = first + anchor;
    triplet[3 * t + 1] = first + farthest;
    triplet[3 * t + 2] = first + nearest;
  }
}

// A warp a triplet.
template <typename Dtype>
__global__ void TripletForward(int triplets, const Dtype* a, const Dtype* p,
                               const Dtype* n, int dim, const int* triplet,
                               Dtype margin, int* active, Dtype* stats) {
  const int t = blockIdx.x * kWarps + threadIdx.x / kWarp;
  if (t >= triplets) return;
  const int* rows = triplet + 3 * t;
  const Dtype* anchor = a + rows[0] * dim;
  const Dtype positive =
      drdl::WarpSquaredDistance(dim, anchor, p + rows[1] * dim);
  const Dtype negative =
      drdl::WarpSquaredDistance(dim, anchor, n + rows[2] * dim);
  if (threadIdx.x % kWarp == 0) {
    const Dtype h = positive + margin - negative;
    active[t] = drdl::HingeActive(h);
    stats[t] = active[t] ? h : Dtype(0);  // Eq. (3)
    stats[triplets + t] = active[t];
    stats[2 * triplets + t] = positive;
    stats[3 * triplets + t] = negative;
  }
}

// blockIdx.x is the set. A thread owns one column of it and adds its triplets
// in order: rows are shared between triplets, yet no atomics are needed.
template <typename Dtype>
__global__ void TripletBackward(const Dtype* a, const Dtype* p, const Dtype* n,
                                int dim, int anchors, const int* triplet,
                                const int* active, Dtype scale, Dtype* grad_a,
                                Dtype* grad_p, Dtype* grad_n) {
  const int d = blockIdx.y * kThreads + threadIdx.x;
  if (d >= dim) return;
  for (int i = 0; i < anchors; ++i) {
    const int t = blockIdx.x * anchors + i;
    if (!active[t]) continue;
    const int at_a = triplet[3 * t] * dim + d;
    const int at_p = triplet[3 * t + 1] * dim + d;
    const int at_n = triplet[3 * t + 2] * dim + d;
    drdl::AddTripletGradient(
        a[at_a], p[at_p], n[at_n], scale, grad_a ? grad_a + at_a : nullptr,
        grad_p ? grad_p + at_p : nullptr, grad_n ? grad_n + at_n : nullptr);
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
      triplets, bottom[BottomOf(0)]->gpu_data(),
      bottom[BottomOf(1)]->gpu_data(), bottom[BottomOf(2)]->gpu_data(),
      this->dim_, triplet, this->margin_, active_.mutable_gpu_data(),
      this->stats_.mutable_gpu_data());
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
  const Dtype* f[3];
  Dtype* grad[3];
  for (int i = 0; i < 3; ++i) {
    Blob<Dtype>* blob = bottom[BottomOf(i)];
    f[i] = blob->gpu_data();
    grad[i] = propagate_down[BottomOf(i)] ? blob->mutable_gpu_diff() : nullptr;
    if (grad[i]) caffe_gpu_set(blob->count(), Dtype(0), grad[i]);
  }
  const dim3 grid(this->sets_, (this->dim_ + kThreads - 1) / kThreads);
  TripletBackward<Dtype><<<grid, kThreads>>>(
      f[0], f[1], f[2], this->dim_, anchors_, triplet_.gpu_data(),
      active_.gpu_data(), top[0]->cpu_diff()[0] / this->sets_, grad[0], grad[1],
      grad[2]);
  CUDA_POST_KERNEL_CHECK;
}

INSTANTIATE_LAYER_GPU_FUNCS(TripletLossLayer);

}  // namespace caffe
