#ifndef CAFFE_ENGINE_LAYERS_HPP_
#define CAFFE_ENGINE_LAYERS_HPP_

#include <vector>

#include "caffe/layers/batch_norm_layer.hpp"
#include "caffe/layers/conv_layer.hpp"
#include "caffe/layers/inner_product_layer.hpp"
#include "caffe/layers/lrn_layer.hpp"
#include "caffe/layers/pooling_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/scale_layer.hpp"

// Upstream's layers with the passes of the CPU engine (drdl/engine): on all
// threads, and the same bits for any number of them. They are made where a
// layer asks for no other engine. What a class does not serve goes through
// upstream's code, which the log tells once.

namespace caffe {

/// Tells the log once by how many threads, and for what kind of processor.
void TellEngine();

#define DRDL_ENGINE_LAYER(Name, Base)                                 \
  template <typename Dtype>                                           \
  class Name : public Base<Dtype> {                                   \
   public:                                                            \
    explicit Name(const LayerParameter& param) : Base<Dtype>(param) { \
      TellEngine();                                                   \
    }                                                                 \
                                                                      \
   protected:                                                         \
    void Forward_cpu(const vector<Blob<Dtype>*>& bottom,              \
                     const vector<Blob<Dtype>*>& top) override;       \
    void Backward_cpu(const vector<Blob<Dtype>*>& top,                \
                      const vector<bool>& propagate_down,             \
                      const vector<Blob<Dtype>*>& bottom) override;   \
  }

/// Any two-dimensional convolution; 3 x 3 of stride 1 by Winograd's F(4x4,
/// 3x3).
DRDL_ENGINE_LAYER(EngineConvolutionLayer, ConvolutionLayer);
/// LRN across channels.
DRDL_ENGINE_LAYER(EngineLRNLayer, LRNLayer);
/// MAX without a top for the places, and AVE.
DRDL_ENGINE_LAYER(EnginePoolingLayer, PoolingLayer);
DRDL_ENGINE_LAYER(EngineReLULayer, ReLULayer);
DRDL_ENGINE_LAYER(EngineBatchNormLayer, BatchNormLayer);
/// One learned factor, and perhaps a bias, for each channel.
DRDL_ENGINE_LAYER(EngineScaleLayer, ScaleLayer);
DRDL_ENGINE_LAYER(EngineInnerProductLayer, InnerProductLayer);

#undef DRDL_ENGINE_LAYER

}  // namespace caffe

#endif  // CAFFE_ENGINE_LAYERS_HPP_
