#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/engine_layers.hpp"
#include "caffe/test/test_caffe_main.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "drdl/engine/parallel.hpp"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "set_batch.hpp"

namespace caffe {

namespace {

/// A layer with its blobs, from the text of its parameters.
template <typename Dtype>
struct Case {
  Blob<Dtype> bottom, top;
  std::vector<Blob<Dtype>*> bottoms{&bottom}, tops{&top};
  std::unique_ptr<Layer<Dtype>> layer;

  Case(std::unique_ptr<Layer<Dtype>> made, const std::vector<int>& shape,
       bool in_place)
      : bottom(shape), layer(std::move(made)) {
    if (in_place) tops[0] = &bottom;
    FillUniform(1, 2, &bottom);
    Caffe::set_random_seed(5);
    layer->SetUp(bottoms, tops);
  }

  /// Values of tops, then gradients of the bottom and of the parameters.
  std::vector<Dtype> Run() {
    layer->Forward(bottoms, tops);
    std::vector<Dtype> all(tops[0]->cpu_data(),
                           tops[0]->cpu_data() + tops[0]->count());
    std::mt19937 generator(9);
    std::normal_distribution<float> normal;
    for (int i = 0; i < tops[0]->count(); ++i) {
      tops[0]->mutable_cpu_diff()[i] = normal(generator);
    }
    for (auto& blob : layer->blobs()) {
      caffe_set(blob->count(), Dtype(1), blob->mutable_cpu_diff());
    }
    layer->Backward(tops, {true}, bottoms);
    all.insert(all.end(), bottom.cpu_diff(),
               bottom.cpu_diff() + bottom.count());
    for (auto& blob : layer->blobs()) {
      all.insert(all.end(), blob->cpu_data(), blob->cpu_data() + blob->count());
      all.insert(all.end(), blob->cpu_diff(), blob->cpu_diff() + blob->count());
    }
    return all;
  }
};

LayerParameter Parse(const std::string& text) {
  LayerParameter param;
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &param)) << text;
  param.set_name("tried");
  return param;
}

struct Settings {
  const char* text;
  std::vector<int> shape;
  bool in_place;
};

}  // namespace

template <typename Dtype>
class EngineLayersTest : public testing::Test {
 protected:
  void TearDown() override { drdl::engine::SetThreads(before_); }

  /// The engine's layer against upstream's, then on other numbers of threads.
  template <template <typename> class Engine,
            template <typename> class Upstream>
  void Compare(const std::vector<Settings>& all, double tolerance) {
    for (const Settings& settings : all) {
      SCOPED_TRACE(settings.text);
      const LayerParameter param = Parse(settings.text);
      const auto run = [&](bool engine, int threads) {
        drdl::engine::SetThreads(threads);
        std::unique_ptr<Layer<Dtype>> layer;
        if (engine) {
          layer.reset(new Engine<Dtype>(param));
        } else {
          layer.reset(new Upstream<Dtype>(param));
        }
        return Case<Dtype>(std::move(layer), settings.shape, settings.in_place)
            .Run();
      };
      const auto expected = run(false, 1), one = run(true, 1);
      ASSERT_EQ(expected.size(), one.size());
      double largest = 0;
      for (Dtype value : expected) {
        if (std::isfinite(value)) {
          largest = std::max(largest, std::abs(static_cast<double>(value)));
        }
      }
      for (size_t i = 0; i < one.size(); ++i) {
        if (std::isnan(expected[i])) {
          EXPECT_TRUE(std::isnan(one[i])) << i;
        } else {
          EXPECT_NEAR(one[i], expected[i], tolerance * largest) << i;
        }
      }
      for (int threads : {2, 8}) {
        const auto more = run(true, threads);
        EXPECT_EQ(
            std::memcmp(one.data(), more.data(), one.size() * sizeof(Dtype)), 0)
            << threads << " threads";
      }
    }
  }

  static double Rounding() {
    return 50 * std::numeric_limits<Dtype>::epsilon();
  }

  const int before_ = drdl::engine::Threads();
};

using Dtypes = testing::Types<float, double>;
TYPED_TEST_SUITE(EngineLayersTest, Dtypes);

#define DRDL_XAVIER "weight_filler { type: 'xavier' }"
#define DRDL_BIAS " bias_filler { type: 'gaussian' }"

TYPED_TEST(EngineLayersTest, TestConvolution) {
  this->template Compare<EngineConvolutionLayer, ConvolutionLayer>(
      {{"convolution_param { num_output: 20 kernel_size: 3 pad: "
        "1 " DRDL_XAVIER DRDL_BIAS " }",
        {3, 18, 9, 10},
        false},
       {"convolution_param { num_output: 6 kernel_h: 5 kernel_w: 2 stride: 2 "
        "group: 2 " DRDL_XAVIER " bias_term: false }",
        {3, 4, 11, 9},
        false},
       {"convolution_param { num_output: 4 kernel_size: "
        "1 " DRDL_XAVIER DRDL_BIAS " }",
        {5, 3, 6, 6},
        false},
       {"convolution_param { num_output: 4 kernel_size: 3 dilation: "
        "2 " DRDL_XAVIER " }",
        {2, 3, 9, 8},
        false},
       // Through upstream's code.
       {"convolution_param { num_output: 4 kernel_size: 3 force_nd_im2col: "
        "true " DRDL_XAVIER " }",
        {2, 3, 5, 6},
        false},
       {"convolution_param { num_output: 4 kernel_size: 2 " DRDL_XAVIER " }",
        {2, 3, 4, 5, 4},
        false}},
      2 * this->Rounding());
}

TYPED_TEST(EngineLayersTest, TestLRN) {
  this->template Compare<EngineLRNLayer, LRNLayer>(
      {{"lrn_param { local_size: 5 alpha: 0.5 beta: 0.75 k: 2 }",
        {3, 9, 5, 7},
        false},
       {"lrn_param { local_size: 3 alpha: 2 beta: 0.5 }",
        {2, 2, 23, 25},
        false},
       {"lrn_param { local_size: 7 alpha: 1 beta: 1 }", {2, 4, 3, 3}, false},
       {"lrn_param { local_size: 5 alpha: 1 beta: 0.6 }", {2, 6, 3, 3}, false},
       {"lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }",
        {2, 3, 5, 5},
        false}},
      10 * this->Rounding());
}

// Nothing is rounded: the same bits.
TYPED_TEST(EngineLayersTest, TestMaxPooling) {
  this->template Compare<EnginePoolingLayer, PoolingLayer>(
      {{"pooling_param { kernel_size: 3 stride: 2 }", {3, 4, 13, 12}, false},
       {"pooling_param { kernel_size: 3 stride: 2 pad: 1 }",
        {2, 3, 8, 9},
        false},
       {"pooling_param { kernel_h: 2 kernel_w: 4 stride_h: 3 stride_w: 1 }",
        {2, 3, 7, 6},
        false},
       {"pooling_param { kernel_size: 2 stride: 5 }", {2, 3, 13, 11}, false},
       {"pooling_param { kernel_size: 5 stride: 3 pad: 2 }",
        {2, 3, 4, 5},
        false},
       {"pooling_param { global_pooling: true }", {2, 3, 4, 5}, false}},
      0);
}

// Of equal values the first of a window gets the gradient; NaN is the largest.
// Rows of fewer numbers than a register holds, of as many, and of some more.
TYPED_TEST(EngineLayersTest, TestMaxPoolingOfEqualValuesAndNaN) {
  std::mt19937 generator(3);
  const auto drawn = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  for (int width = 1; width <= 45; ++width) {
    const int height = drawn(1, 9);
    const int kernel = drawn(1, std::min(5, std::min(width, height)));
    const std::string text =
        "pooling_param { kernel_size: " + std::to_string(kernel) +
        " stride: " + std::to_string(drawn(1, 3)) +
        " pad: " + std::to_string(drawn(0, kernel - 1)) + " }";
    const LayerParameter param = Parse(text.c_str());
    const std::vector<int> shape{2, 3, height, width};
    Case<TypeParam> ours(std::make_unique<EnginePoolingLayer<TypeParam>>(param),
                         shape, false);
    Case<TypeParam> theirs(std::make_unique<PoolingLayer<TypeParam>>(param),
                           shape, false);
    for (Case<TypeParam>* one : {&ours, &theirs}) {
      TypeParam* values = one->bottom.mutable_cpu_data();
      std::mt19937 same(width);
      for (int i = 0; i < one->bottom.count(); ++i) values[i] = same() % 3;
      // One a plane: of several, either may get the gradient.
      for (int i = 0; i < 6; ++i) {
        values[(i * height * width) + same() % (height * width)] =
            std::numeric_limits<TypeParam>::quiet_NaN();
      }
    }
    const std::vector<TypeParam> one = ours.Run(), other = theirs.Run();
    ASSERT_EQ(one.size(), other.size());
    EXPECT_EQ(0, std::memcmp(one.data(), other.data(),
                             one.size() * sizeof(TypeParam)))
        << text << " of " << height << " x " << width;
  }
}

TYPED_TEST(EngineLayersTest, TestAveragePooling) {
  this->template Compare<EnginePoolingLayer, PoolingLayer>(
      {{"pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
        {3, 4, 8, 9},
        false},
       {"pooling_param { pool: AVE global_pooling: true }",
        {2, 3, 4, 5},
        false}},
      this->Rounding());
}

TYPED_TEST(EngineLayersTest, TestReLU) {
  this->template Compare<EngineReLULayer, ReLULayer>(
      {{"relu_param { }", {3, 4, 90, 70}, false},
       {"relu_param { negative_slope: 0.25 }", {3, 4, 5}, false},
       {"relu_param { negative_slope: 0.25 }", {3, 4, 5}, true}},
      0);
}

TYPED_TEST(EngineLayersTest, TestBatchNorm) {
  this->template Compare<EngineBatchNormLayer, BatchNormLayer>(
      {{"batch_norm_param { }", {5, 4, 6, 7}, false},
       {"batch_norm_param { moving_average_fraction: 0.9 eps: 0.1 }",
        {5, 4, 6, 7},
        true},
       {"batch_norm_param { }", {9, 5}, false},
       {"phase: TEST batch_norm_param { }", {5, 4, 3, 3}, false}},
      20 * this->Rounding());
}

TYPED_TEST(EngineLayersTest, TestScale) {
  this->template Compare<EngineScaleLayer, ScaleLayer>(
      {{"scale_param { filler { type: 'gaussian' } bias_term: true" DRDL_BIAS
        " }",
        {5, 4, 6, 7},
        false},
       {"scale_param { filler { type: 'gaussian' } bias_term: true" DRDL_BIAS
        " }",
        {5, 4, 6, 7},
        true},
       {"scale_param { filler { type: 'gaussian' } }", {5, 4, 6}, false},
       {"scale_param { filler { type: 'gaussian' } }", {5, 4}, false}},
      this->Rounding());
}

TYPED_TEST(EngineLayersTest, TestInnerProduct) {
  this->template Compare<EngineInnerProductLayer, InnerProductLayer>(
      {{"inner_product_param { num_output: 700 " DRDL_XAVIER DRDL_BIAS " }",
        {5, 40, 3, 5},
        false},
       {"inner_product_param { num_output: 3 transpose: true bias_term: "
        "false " DRDL_XAVIER " }",
        {5, 600},
        false}},
      this->Rounding());
}

// NaN goes through as it does in upstream's layers.
TYPED_TEST(EngineLayersTest, TestNaN) {
  const auto run = [](bool engine, const char* text, auto maker) {
    auto layer = maker(engine, Parse(text));
    Blob<TypeParam> bottom(std::vector<int>{1, 1, 4, 5}), top;
    FillUniform(1, 2, &bottom);
    bottom.mutable_cpu_data()[7] = std::numeric_limits<TypeParam>::quiet_NaN();
    const std::vector<Blob<TypeParam>*> bottoms{&bottom}, tops{&top};
    layer->SetUp(bottoms, tops);
    layer->Forward(bottoms, tops);
    std::vector<bool> nan;
    for (int i = 0; i < top.count(); ++i)
      nan.push_back(top.cpu_data()[i] != top.cpu_data()[i]);
    return nan;
  };
  const auto pooling = [](bool engine, const LayerParameter& param) {
    return std::unique_ptr<Layer<TypeParam>>(
        engine ? new EnginePoolingLayer<TypeParam>(param)
               : new PoolingLayer<TypeParam>(param));
  };
  const auto relu = [](bool engine, const LayerParameter& param) {
    return std::unique_ptr<Layer<TypeParam>>(
        engine ? static_cast<Layer<TypeParam>*>(
                     new EngineReLULayer<TypeParam>(param))
               : new ReLULayer<TypeParam>(param));
  };
  for (const char* text : {"pooling_param { kernel_size: 2 stride: 1 }",
                           "pooling_param { kernel_size: 2 stride: 2 }"}) {
    EXPECT_EQ(run(true, text, pooling), run(false, text, pooling));
  }
  EXPECT_EQ(run(true, "relu_param { }", relu),
            run(false, "relu_param { }", relu));
}

}  // namespace caffe
