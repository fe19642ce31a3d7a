#ifndef DRDL_TEST_UPSTREAM_WITH_ENGINE_HPP_
#define DRDL_TEST_UPSTREAM_WITH_ENGINE_HPP_

// Read before each of upstream's tests of the layers that the CPU engine has too:
// they name the classes, so that the engine's answer to those names.

#include "caffe/layers/engine_layers.hpp"

#define BatchNormLayer EngineBatchNormLayer
#define ConvolutionLayer EngineConvolutionLayer
#define InnerProductLayer EngineInnerProductLayer
#define LRNLayer EngineLRNLayer
#define PoolingLayer EnginePoolingLayer
#define ReLULayer EngineReLULayer
#define ScaleLayer EngineScaleLayer

#endif  // DRDL_TEST_UPSTREAM_WITH_ENGINE_HPP_
