#include "caffe/layers/engine_layers.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "caffe/layer_factory.hpp"
#include "drdl/blas_kernel.hpp"
#include "drdl/engine/convolution.hpp"
#include "drdl/engine/kernels.hpp"
#include "drdl/engine/parallel.hpp"
#include "gemm.hpp"

namespace caffe {

using drdl::engine::BestKernels;
using drdl::engine::Gemm;
using drdl::engine::Kernels;
using drdl::engine::Parallel;
using drdl::engine::ParallelSlices;

namespace {

const int kGrain = 1 << 15;  // numbers of a slice of a loop over memory

/// Calls body(i) for each of `count` pieces of `size` numbers, on all threads.
template <typename Body>
void EachPiece(int count, int size, const Body& body) {
  ParallelSlices(count, std::max(1, kGrain / std::max(1, size)),
                 [&](int begin, int end) {
                   for (int i = begin; i < end; ++i) body(i);
                 });
}

// Names of scratch memory; those of the convolutions are below.
enum { kRow = 16, kRatios };

/// Tells that the engine does not serve a layer, once for each kind.
void TellFallback(const LayerParameter& param, const char* kind) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard<std::mutex> lock(mutex);
  if (!told.insert(kind).second) return;
  LOG(INFO) << "Layer " << param.name() << ", " << kind
            << ": by upstream's code";
}

}  // namespace

void TellEngine() {
  if (Caffe::mode() != Caffe::CPU) return;
  LOG_FIRST_N(INFO, 1) << "CPU engine: " << drdl::engine::Threads()
                       << " threads, loops for " << BestKernels<float>().name
                       << ", BLAS kernel " << drdl::ChosenBlasKernel().Text();
}

// --- Convolution

static bool TwoDimensional(int axes, bool force_nd) {
  return axes == 2 && !force_nd;
}

// What a convolution layer's members say, for `images` images.
#define DRDL_CONVOLUTION_SHAPE(shape, images)                         \
  const int* kernel = this->kernel_shape_.cpu_data();                 \
  const int* stride = this->stride_.cpu_data();                       \
  const int* pad = this->pad_.cpu_data();                             \
  const int* dilation = this->dilation_.cpu_data();                   \
  const drdl::engine::ConvolutionShape shape = {images,               \
                                                this->channels_,      \
                                                this->input_shape(1), \
                                                this->input_shape(2), \
                                                this->num_output_,    \
                                                this->group_,         \
                                                kernel[0],            \
                                                kernel[1],            \
                                                stride[0],            \
                                                stride[1],            \
                                                pad[0],               \
                                                pad[1],               \
                                                dilation[0],          \
                                                dilation[1]}

template <typename Dtype>
void EngineConvolutionLayer<Dtype>::Forward_cpu(
    const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if (!TwoDimensional(this->num_spatial_axes_, this->force_nd_im2col_)) {
    TellFallback(this->layer_param_, "not two-dimensional");
    ConvolutionLayer<Dtype>::Forward_cpu(bottom, top);
    return;
  }
  DRDL_CONVOLUTION_SHAPE(shape, this->num_);
  drdl::engine::Convolution<Dtype> convolution(shape);
  const Dtype* bias = this->bias_term_ ? this->blobs_[1]->cpu_data() : nullptr;
  for (size_t i = 0; i < bottom.size(); ++i) {
    convolution.Forward(bottom[i]->cpu_data(), this->blobs_[0]->cpu_data(),
                        bias, top[i]->mutable_cpu_data());
  }
}

template <typename Dtype>
void EngineConvolutionLayer<Dtype>::Backward_cpu(
    const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
    const vector<Blob<Dtype>*>& bottom) {
  if (!TwoDimensional(this->num_spatial_axes_, this->force_nd_im2col_)) {
    ConvolutionLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
    return;
  }
  DRDL_CONVOLUTION_SHAPE(shape, this->num_);
  drdl::engine::Convolution<Dtype> convolution(shape);
  for (size_t i = 0; i < top.size(); ++i) {
    const Dtype* top_diff = top[i]->cpu_diff();
    if (this->bias_term_ && this->param_propagate_down_[1]) {
      convolution.BiasDiff(top_diff, this->blobs_[1]->mutable_cpu_diff());
    }
    if (this->param_propagate_down_[0]) {
      convolution.FilterDiff(bottom[i]->cpu_data(), top_diff,
                             this->blobs_[0]->mutable_cpu_diff());
    }
    if (propagate_down[i]) {
      convolution.BottomDiff(top_diff, this->blobs_[0]->cpu_data(),
                             bottom[i]->mutable_cpu_diff());
    }
  }
}

#undef DRDL_CONVOLUTION_SHAPE

// --- LRN

namespace {

const int kPixels = 512;  // of a slice of an image

bool AcrossChannels(const LayerParameter& param) {
  return param.lrn_param().norm_region() ==
         LRNParameter_NormRegion_ACROSS_CHANNELS;
}

/// Calls body(image, first pixel, end) for slices of all images.
template <typename Body>
void EachSlice(int images, int pixels, const Body& body) {
  const int slices = (pixels + kPixels - 1) / kPixels;
  Parallel(images * slices, [&](int i) {
    const int begin = i % slices * kPixels;
    body(i / slices, begin, std::min(pixels, begin + kPixels));
  });
}

}  // namespace

template <typename Dtype>
void EngineLRNLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  if (!AcrossChannels(this->layer_param_)) {
    TellFallback(this->layer_param_, "LRN within channels");
    LRNLayer<Dtype>::Forward_cpu(bottom, top);
    return;
  }
  const int plane = this->height_ * this->width_;
  const drdl::engine::LrnShape shape = {
      this->channels_, plane, this->size_, this->alpha_, this->beta_, this->k_};
  const int size = this->channels_ * plane;
  const Dtype* data = bottom[0]->cpu_data();
  Dtype* scale = this->scale_.mutable_cpu_data();
  Dtype* out = top[0]->mutable_cpu_data();
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  EachSlice(this->num_, plane, [&](int n, int begin, int end) {
    const int64_t at = int64_t{n} * size;
    kernels.lrn(shape, begin, end, data + at, scale + at, out + at);
  });
}

template <typename Dtype>
void EngineLRNLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                         const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (!AcrossChannels(this->layer_param_)) {
    LRNLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
    return;
  }
  if (!propagate_down[0]) return;
  const int plane = this->height_ * this->width_;
  const drdl::engine::LrnShape shape = {
      this->channels_, plane, this->size_, this->alpha_, this->beta_, this->k_};
  const int size = this->channels_ * plane;
  const Dtype* data = bottom[0]->cpu_data();
  const Dtype* out = top[0]->cpu_data();
  const Dtype* scale = this->scale_.cpu_data();
  const Dtype* top_diff = top[0]->cpu_diff();
  Dtype* diff = bottom[0]->mutable_cpu_diff();
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  EachSlice(this->num_, plane, [&](int n, int begin, int end) {
    const int64_t at = int64_t{n} * size;
    Dtype* scratch = drdl::engine::Scratch<Dtype, kRatios>(
        int64_t{shape.channels} * (end - begin));
    kernels.lrn_diff(shape, begin, end, data + at, out + at, scale + at,
                     top_diff + at, diff + at, scratch);
  });
}

// --- Pooling

namespace {

bool IsServed(const PoolingParameter& param, size_t tops) {
  return tops == 1 && param.pool() != PoolingParameter_PoolMethod_STOCHASTIC;
}

/// One window of AVE pooling: where it begins and ends within the plane, and
/// what its sum is divided by.
struct Window {
  int h_start, h_end, w_start, w_end, size;
};

Window WindowOf(const drdl::engine::PoolShape& s, int ph, int pw) {
  const int h = ph * s.stride_h - s.pad_h, w = pw * s.stride_w - s.pad_w;
  const int h_end = std::min(h + s.kernel_h, s.height + s.pad_h);
  const int w_end = std::min(w + s.kernel_w, s.width + s.pad_w);
  return {std::max(h, 0), std::min(h_end, s.height), std::max(w, 0),
          std::min(w_end, s.width), (h_end - h) * (w_end - w)};
}

}  // namespace

#define DRDL_POOL_SHAPE(shape)                                    \
  const drdl::engine::PoolShape shape = {                         \
      this->height_,       this->width_,    this->pooled_height_, \
      this->pooled_width_, this->kernel_h_, this->kernel_w_,      \
      this->stride_h_,     this->stride_w_, this->pad_h_,         \
      this->pad_w_};                                              \
  const int planes = bottom[0]->num() * this->channels_;          \
  const int plane = shape.height * shape.width;                   \
  const int pooled = shape.pooled_height * shape.pooled_width

template <typename Dtype>
void EnginePoolingLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                            const vector<Blob<Dtype>*>& top) {
  const PoolingParameter& param = this->layer_param_.pooling_param();
  if (!IsServed(param, top.size())) {
    TellFallback(this->layer_param_,
                 "pooling that is stochastic or has two tops");
    PoolingLayer<Dtype>::Forward_cpu(bottom, top);
    return;
  }
  const bool max = param.pool() == PoolingParameter_PoolMethod_MAX;
  DRDL_POOL_SHAPE(shape);
  const Dtype* data = bottom[0]->cpu_data();
  Dtype* out = top[0]->mutable_cpu_data();
  if (max) {
    int* index = this->max_idx_.mutable_cpu_data();
    const Kernels<Dtype>& kernels = BestKernels<Dtype>();
    EachPiece(planes, plane, [&](int i) {
      kernels.max_pool(shape, data + int64_t{i} * plane,
                       out + int64_t{i} * pooled, index + int64_t{i} * pooled,
                       drdl::engine::Scratch<Dtype, kRow>(2 * shape.width),
                       drdl::engine::Scratch<int, kRow>(2 * shape.width));
    });
    return;
  }
  EachPiece(planes, plane, [&](int i) {
    const Dtype* in = data + int64_t{i} * plane;
    Dtype* to = out + int64_t{i} * pooled;
    for (int ph = 0; ph < shape.pooled_height; ++ph) {
      for (int pw = 0; pw < shape.pooled_width; ++pw) {
        const Window window = WindowOf(shape, ph, pw);
        Dtype sum = 0;
        for (int h = window.h_start; h < window.h_end; ++h) {
          for (int w = window.w_start; w < window.w_end; ++w) {
            sum += in[h * shape.width + w];
          }
        }
        to[ph * shape.pooled_width + pw] = sum / window.size;
      }
    }
  });
}

template <typename Dtype>
void EnginePoolingLayer<Dtype>::Backward_cpu(
    const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
    const vector<Blob<Dtype>*>& bottom) {
  const PoolingParameter& param = this->layer_param_.pooling_param();
  if (!IsServed(param, top.size())) {
    PoolingLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
    return;
  }
  if (!propagate_down[0]) return;
  const bool max = param.pool() == PoolingParameter_PoolMethod_MAX;
  DRDL_POOL_SHAPE(shape);
  const Dtype* top_diff = top[0]->cpu_diff();
  Dtype* diff = bottom[0]->mutable_cpu_diff();
  const int* index = max ? this->max_idx_.cpu_data() : nullptr;
  EachPiece(planes, plane, [&](int i) {
    const Dtype* from = top_diff + int64_t{i} * pooled;
    Dtype* to = diff + int64_t{i} * plane;
    std::fill(to, to + plane, Dtype(0));
    if (max) {
      const int* at = index + int64_t{i} * pooled;
      for (int p = 0; p < pooled; ++p) to[at[p]] += from[p];
      return;
    }
    for (int ph = 0; ph < shape.pooled_height; ++ph) {
      for (int pw = 0; pw < shape.pooled_width; ++pw) {
        const Window window = WindowOf(shape, ph, pw);
        const Dtype share = from[ph * shape.pooled_width + pw] / window.size;
        for (int h = window.h_start; h < window.h_end; ++h) {
          for (int w = window.w_start; w < window.w_end; ++w) {
            to[h * shape.width + w] += share;
          }
        }
      }
    }
  });
}

#undef DRDL_POOL_SHAPE

// --- ReLU

template <typename Dtype>
void EngineReLULayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  const Dtype slope = this->layer_param_.relu_param().negative_slope();
  const Dtype* data = bottom[0]->cpu_data();
  Dtype* out = top[0]->mutable_cpu_data();
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  ParallelSlices(bottom[0]->count(), kGrain, [&](int begin, int end) {
    kernels.relu(end - begin, slope, data + begin, out + begin);
  });
}

template <typename Dtype>
void EngineReLULayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                          const vector<bool>& propagate_down,
                                          const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const Dtype slope = this->layer_param_.relu_param().negative_slope();
  const Dtype* data = bottom[0]->cpu_data();
  const Dtype* top_diff = top[0]->cpu_diff();
  Dtype* diff = bottom[0]->mutable_cpu_diff();
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  ParallelSlices(bottom[0]->count(), kGrain, [&](int begin, int end) {
    kernels.relu_diff(end - begin, slope, data + begin, top_diff + begin,
                      diff + begin);
  });
}

// --- BatchNorm

template <typename Dtype>
void EngineBatchNormLayer<Dtype>::Forward_cpu(
    const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  const int channels = this->channels_, images = bottom[0]->shape(0);
  const int plane = bottom[0]->count() / (images * channels);
  const Dtype* data = bottom[0]->cpu_data();
  Dtype* out = top[0]->mutable_cpu_data();
  Dtype* normalized = this->x_norm_.mutable_cpu_data();
  Dtype* means = this->mean_.mutable_cpu_data();
  // Of the batch, then, as upstream keeps it, sqrt(variance + eps).
  Dtype* deviations = this->variance_.mutable_cpu_data();
  const bool fixed = this->use_global_stats_;
  const Dtype count = static_cast<Dtype>(images) * plane;
  const Dtype held = this->blobs_[2]->cpu_data()[0];
  const Dtype factor = held == 0 ? 0 : 1 / held;
  Dtype* running_mean = fixed ? nullptr : this->blobs_[0]->mutable_cpu_data();
  Dtype* running_variance =
      fixed ? nullptr : this->blobs_[1]->mutable_cpu_data();
  const Dtype* stored_mean = this->blobs_[0]->cpu_data();
  const Dtype* stored_variance = this->blobs_[1]->cpu_data();
  const Dtype keep = this->moving_average_fraction_;
  const Dtype unbiased = count > 1 ? count / (count - 1) : 1;
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  Parallel(channels, [&](int c) {
    Dtype mean = 0, variance = 0;
    if (fixed) {
      mean = factor * stored_mean[c];
      variance = factor * stored_variance[c];
    } else {
      for (int n = 0; n < images; ++n) {
        mean += kernels.sum(plane, data + (int64_t{n} * channels + c) * plane);
      }
      mean /= count;
      for (int n = 0; n < images; ++n) {
        variance += kernels.square_sum(
            plane, mean, data + (int64_t{n} * channels + c) * plane);
      }
      variance /= count;
      running_mean[c] = mean + keep * running_mean[c];
      running_variance[c] = unbiased * variance + keep * running_variance[c];
    }
    means[c] = mean;
    deviations[c] = std::sqrt(variance + this->eps_);
    for (int n = 0; n < images; ++n) {
      const int64_t at = (int64_t{n} * channels + c) * plane;
      kernels.shift_scale(plane, -mean, 1 / deviations[c], data + at, out + at);
      // Layers behind this one may work in place.
      std::copy(out + at, out + at + plane, normalized + at);
    }
  });
  if (!fixed) this->blobs_[2]->mutable_cpu_data()[0] = held * keep + 1;
}

template <typename Dtype>
void EngineBatchNormLayer<Dtype>::Backward_cpu(
    const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
    const vector<Blob<Dtype>*>& bottom) {
  const int channels = this->channels_, images = bottom[0]->shape(0);
  const int plane = bottom[0]->count() / (images * channels);
  const Dtype* top_diff = top[0]->cpu_diff();
  const Dtype* normalized = this->x_norm_.cpu_data();
  const Dtype* deviations = this->variance_.cpu_data();
  Dtype* diff = bottom[0]->mutable_cpu_diff();
  const Dtype count = static_cast<Dtype>(images) * plane;
  const bool fixed = this->use_global_stats_;
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  Parallel(channels, [&](int c) {
    // (dE/dY - mean(dE/dY) - mean(dE/dY Y) Y) / sqrt(var(X) + eps)
    Dtype sum = 0, along = 0;
    for (int n = 0; n < images && !fixed; ++n) {
      const int64_t at = (int64_t{n} * channels + c) * plane;
      sum += kernels.sum(plane, top_diff + at);
      along += kernels.dot(plane, top_diff + at, normalized + at);
    }
    for (int n = 0; n < images; ++n) {
      const int64_t at = (int64_t{n} * channels + c) * plane;
      kernels.combine(plane, top_diff + at, -along / count, normalized + at,
                      -sum / count, 1 / deviations[c], diff + at);
    }
  });
}

// --- Scale

template <typename Dtype>
static bool OneFactorEach(const vector<Blob<Dtype>*>& bottom, int inner_dim) {
  return bottom.size() == 1 && inner_dim > 1;
}

template <typename Dtype>
void EngineScaleLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  if (!OneFactorEach(bottom, this->inner_dim_)) {
    TellFallback(this->layer_param_, "factors from a bottom, or of one value");
    ScaleLayer<Dtype>::Forward_cpu(bottom, top);
    return;
  }
  const Dtype* data = bottom[0]->cpu_data();
  const Dtype* factors = this->blobs_[0]->cpu_data();
  const Dtype* biases = this->bias_layer_
                            ? this->blobs_[this->bias_param_id_]->cpu_data()
                            : nullptr;
  Dtype* out = top[0]->mutable_cpu_data();
  // Backward wants the data, which work in place overwrites.
  Dtype* kept = bottom[0] == top[0] ? this->temp_.mutable_cpu_data() : nullptr;
  const int plane = this->inner_dim_, channels = this->scale_dim_;
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  EachPiece(this->outer_dim_ * channels, plane, [&](int i) {
    const int64_t at = int64_t{i} * plane;
    if (kept) std::copy(data + at, data + at + plane, kept + at);
    kernels.scale_shift(plane, factors[i % channels],
                        biases ? biases[i % channels] : Dtype(0), data + at,
                        out + at);
  });
}

template <typename Dtype>
void EngineScaleLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                           const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if (!OneFactorEach(bottom, this->inner_dim_)) {
    ScaleLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
    return;
  }
  const Dtype* top_diff = top[0]->cpu_diff();
  const Dtype* data =
      (bottom[0] == top[0] ? &this->temp_ : bottom[0])->cpu_data();
  const Dtype* factors = this->blobs_[0]->cpu_data();
  Dtype* factors_diff = this->param_propagate_down_[0]
                            ? this->blobs_[0]->mutable_cpu_diff()
                            : nullptr;
  const int bias = this->bias_param_id_;
  Dtype* biases_diff = this->bias_layer_ && this->param_propagate_down_.back()
                           ? this->blobs_[bias]->mutable_cpu_diff()
                           : nullptr;
  Dtype* diff = propagate_down[0] ? bottom[0]->mutable_cpu_diff() : nullptr;
  const int plane = this->inner_dim_, channels = this->scale_dim_;
  const Kernels<Dtype>& kernels = BestKernels<Dtype>();
  Parallel(channels, [&](int c) {
    Dtype sum = 0, along = 0;
    for (int n = 0; n < this->outer_dim_; ++n) {
      const int64_t at = (int64_t{n} * channels + c) * plane;
      if (biases_diff) sum += kernels.sum(plane, top_diff + at);
      if (factors_diff) along += kernels.dot(plane, top_diff + at, data + at);
      if (diff) {
        kernels.scale_shift(plane, factors[c], Dtype(0), top_diff + at,
                            diff + at);
      }
    }
    if (biases_diff) biases_diff[c] += sum;
    if (factors_diff) factors_diff[c] += along;
  });
}

// --- InnerProduct: products whose results are cut into pieces of one size.

namespace {

const int kPiece = 256;  // columns of a result

/// c = a b + beta c in pieces of kPiece columns; see Gemm.
template <typename Dtype>
void Product(bool turn_a, bool turn_b, int m, int n, int k, const Dtype* a,
             const Dtype* b, Dtype beta, Dtype* c) {
  const int lda = turn_a ? m : k, ldb = turn_b ? k : n;
  ParallelSlices(n, kPiece, [&](int begin, int end) {
    Gemm(turn_a, turn_b, m, end - begin, k, a, lda,
         b + (turn_b ? int64_t{begin} * ldb : begin), ldb, beta, c + begin, n);
  });
}

}  // namespace

template <typename Dtype>
void EngineInnerProductLayer<Dtype>::Forward_cpu(
    const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  Dtype* out = top[0]->mutable_cpu_data();
  Product(false, !this->transpose_, this->M_, this->N_, this->K_,
          bottom[0]->cpu_data(), this->blobs_[0]->cpu_data(), Dtype(0), out);
  if (!this->bias_term_) return;
  const Dtype* bias = this->blobs_[1]->cpu_data();
  for (int m = 0; m < this->M_; ++m) {
    for (int n = 0; n < this->N_; ++n)
      out[int64_t{m} * this->N_ + n] += bias[n];
  }
}

template <typename Dtype>
void EngineInnerProductLayer<Dtype>::Backward_cpu(
    const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
    const vector<Blob<Dtype>*>& bottom) {
  const Dtype* top_diff = top[0]->cpu_diff();
  const int M = this->M_, N = this->N_, K = this->K_;
  if (this->param_propagate_down_[0]) {
    Dtype* diff = this->blobs_[0]->mutable_cpu_diff();
    if (this->transpose_) {
      Product(true, false, K, N, M, bottom[0]->cpu_data(), top_diff, Dtype(1),
              diff);
    } else {
      Product(true, false, N, K, M, top_diff, bottom[0]->cpu_data(), Dtype(1),
              diff);
    }
  }
  if (this->bias_term_ && this->param_propagate_down_[1]) {
    Dtype* diff = this->blobs_[1]->mutable_cpu_diff();
    for (int m = 0; m < M; ++m) {
      for (int n = 0; n < N; ++n) diff[n] += top_diff[int64_t{m} * N + n];
    }
  }
  if (propagate_down[0]) {
    Product(false, this->transpose_, M, K, N, top_diff,
            this->blobs_[0]->cpu_data(), Dtype(0),
            bottom[0]->mutable_cpu_diff());
  }
}

// --- Creators of the layers for which upstream has no choice of an engine; the
// others' are in layer_factory.cpp.

#define DRDL_CREATOR(Name, parameters)                                        \
  template <typename Dtype>                                                   \
  shared_ptr<Layer<Dtype>> New##Name##Layer(const LayerParameter& param) {    \
    CHECK_NE(param.parameters().engine(), ConvolutionParameter_Engine_CUDNN)  \
        << "cuDNN does not serve " #Name ": engine must be DEFAULT or CAFFE"; \
    if (param.parameters().engine() == ConvolutionParameter_Engine_CAFFE) {   \
      return shared_ptr<Layer<Dtype>>(new Name##Layer<Dtype>(param));         \
    }                                                                         \
    return shared_ptr<Layer<Dtype>>(new Engine##Name##Layer<Dtype>(param));   \
  }                                                                           \
  REGISTER_LAYER_CREATOR(Name, New##Name##Layer)

DRDL_CREATOR(BatchNorm, batch_norm_param);
DRDL_CREATOR(InnerProduct, inner_product_param);
DRDL_CREATOR(Scale, scale_param);

INSTANTIATE_CLASS(EngineConvolutionLayer);
INSTANTIATE_CLASS(EngineLRNLayer);
INSTANTIATE_CLASS(EnginePoolingLayer);
INSTANTIATE_CLASS(EngineReLULayer);
INSTANTIATE_CLASS(EngineBatchNormLayer);
INSTANTIATE_CLASS(EngineScaleLayer);
INSTANTIATE_CLASS(EngineInnerProductLayer);

}  // namespace caffe
