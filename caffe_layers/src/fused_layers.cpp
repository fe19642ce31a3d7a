#include "drdl/fused_layers.hpp"
#ifndef CPU_ONLY

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "caffe/layers/base_conv_layer.hpp"

namespace drdl {

using caffe::BaseConvolutionLayer;
using caffe::Blob;
using caffe::Layer;
using caffe::LayerParameter;
using caffe::LRNParameter;
using caffe::PoolingParameter;

namespace {

std::atomic<bool> fuses{false};

bool IsNorm(const LayerParameter& layer) {
  const LRNParameter& param = layer.lrn_param();
  return layer.type() == "LRN" &&
         param.norm_region() == LRNParameter::ACROSS_CHANNELS &&
         param.local_size() == NormPool<float>::kNorm;
}

// A size of pooling that may be given once or for each direction.
int Size(uint32_t both, bool has_each, uint32_t each) {
  return has_each ? each : both;
}

// Fills in how it pools; false where NormPool does not.
template <typename Dtype>
bool IsPool(const LayerParameter& layer, NormPool<Dtype>* shape) {
  const PoolingParameter& p = layer.pooling_param();
  if (layer.type() != "Pooling" || p.pool() != PoolingParameter::MAX ||
      p.global_pooling() || layer.top_size() != 1) {
    return false;
  }
  const int window = NormPool<Dtype>::kWindow;
  if (Size(p.kernel_size(), p.has_kernel_h(), p.kernel_h()) != window ||
      Size(p.kernel_size(), p.has_kernel_w(), p.kernel_w()) != window) {
    return false;
  }
  shape->stride_h = Size(p.stride(), p.has_stride_h(), p.stride_h());
  shape->stride_w = Size(p.stride(), p.has_stride_w(), p.stride_w());
  shape->pad_h = Size(p.pad(), p.has_pad_h(), p.pad_h());
  shape->pad_w = Size(p.pad(), p.has_pad_w(), p.pad_w());
  return true;
}

}  // namespace

void FuseLayers(bool wanted) {
  const char* given = std::getenv("CAFFE_FUSE_LAYERS");
  fuses = wanted && (given == nullptr || std::strcmp(given, "0") != 0);
}
bool FusesLayers() { return fuses; }

// Four layers, from the convolution's number on.
template <typename Dtype>
struct FusedLayers<Dtype>::Group {
  int first, last;
  BaseConvolutionLayer<Dtype>* convolution;
  NormPool<Dtype> shape;
  Blob<int> index;
  bool active = false;  // since the last forward pass
};

template <typename Dtype>
FusedLayers<Dtype>::FusedLayers(
    const std::vector<caffe::shared_ptr<Layer<Dtype> > >& layers,
    const Blobs& bottoms, const Blobs& tops)
    : layers_(layers), bottoms_(bottoms), tops_(tops) {
  for (int i = 0; i + 3 < static_cast<int>(layers.size()); ++i) {
    std::unique_ptr<Group> group(new Group);
    group->first = i;
    group->last = i + 3;
    group->convolution =
        dynamic_cast<BaseConvolutionLayer<Dtype>*>(layers[i].get());
    const LayerParameter &relu = layers[i + 1]->layer_param(),
                         &norm = layers[i + 2]->layer_param(),
                         &pool = layers[i + 3]->layer_param();
    NormPool<Dtype>* const shape = &group->shape;
    if (!group->convolution ||
        layers[i]->layer_param().type() != "Convolution" ||
        tops[i].size() != 1 || relu.type() != "ReLU" ||
        relu.relu_param().negative_slope() != 0 || !IsNorm(norm) ||
        !IsPool(pool, shape)) {
      continue;
    }
    // Each takes what the one before gives; nothing else reads it, since a
    // second reader would have it from a layer Split.
    Blob<Dtype>* const x = tops[i][0];
    if (bottoms[i + 1][0] != x || tops[i + 1][0] != x ||
        bottoms[i + 2][0] != x || tops[i + 2][0] == x ||
        bottoms[i + 3][0] != tops[i + 2][0]) {
      continue;
    }
    shape->alpha = norm.lrn_param().alpha();
    shape->beta = norm.lrn_param().beta();
    shape->k = norm.lrn_param().k();
    groups_.push_back(std::move(group));
  }
}

template <typename Dtype>
FusedLayers<Dtype>::~FusedLayers() {}

template <typename Dtype>
typename FusedLayers<Dtype>::Group* FusedLayers<Dtype>::At(int i) const {
  for (const auto& group : groups_) {
    if (group->active && i > group->first && i <= group->last) {
      return group.get();
    }
  }
  return nullptr;
}

template <typename Dtype>
void FusedLayers<Dtype>::Begin(int first, int last, bool on_gpu) {
  for (const auto& group : groups_) {
    // A part of a group is computed as its layers are.
    if (group->last < first || group->first > last) continue;
    group->active = on_gpu && first <= group->first && group->last <= last;
    group->convolution->set_adds_bias(!group->active);
  }
}

template <typename Dtype>
bool FusedLayers<Dtype>::Forward(int i) {
  Group* const group = At(i);
  if (!group) return false;
  layers_[i]->Reshape(bottoms_[i], tops_[i]);
  if (i != group->last) return true;
  const Blob<Dtype>* const z = tops_[group->first][0];
  Blob<Dtype>* const top = tops_[group->last][0];
  NormPool<Dtype>* const shape = &group->shape;
  shape->images = z->num();
  shape->channels = z->channels();
  shape->height = z->height();
  shape->width = z->width();
  shape->pooled_height = top->height();
  shape->pooled_width = top->width();
  group->index.Reshape(top->shape());
  NormPoolForward(*shape, z->gpu_data(), group->convolution->gpu_bias(),
                  top->mutable_gpu_data(), group->index.mutable_gpu_data());
  return true;
}

template <typename Dtype>
bool FusedLayers<Dtype>::Backward(int i) {
  Group* const group = At(i);
  if (!group) return false;
  if (i == group->last) {
    Blob<Dtype>* const z = tops_[group->first][0];
    NormPoolBackward(group->shape, z->gpu_data(),
                     group->convolution->gpu_bias(),
                     tops_[group->last][0]->gpu_diff(), group->index.gpu_data(),
                     z->mutable_gpu_diff());
  }
  return true;
}

template class FusedLayers<float>;
template class FusedLayers<double>;

}  // namespace drdl

#endif  // CPU_ONLY
