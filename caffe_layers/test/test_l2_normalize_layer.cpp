#include <glog/logging.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/l2_normalize_layer.hpp"
#include "caffe/test/test_caffe_main.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "gtest/gtest.h"
#include "set_batch.hpp"

namespace caffe {

template <typename TypeParam>
class L2NormalizeLayerTest : public MultiDeviceTest<TypeParam> {
 protected:
  using Dtype = typename TypeParam::Dtype;

  L2NormalizeLayerTest() : layer_(Param(1e-12)), bottom_({&x_}), top_({&y_}) {}

  static LayerParameter Param(float epsilon) {
    LayerParameter param;
    param.set_name("unit");
    param.mutable_l2_normalize_param()->set_epsilon(epsilon);
    return param;
  }

  void Fill(const std::vector<int>& shape, double scale) {
    x_.Reshape(shape);
    FillUniform(3, scale, &x_);
  }

  void ExpectUnitRows() {
    const int dim = x_.count(1);
    for (int r = 0; r < x_.shape(0); ++r) {
      double norm = 0;
      for (int d = 0; d < dim; ++d) {
        norm += std::pow(static_cast<double>(x_.cpu_data()[r * dim + d]), 2);
      }
      norm = std::sqrt(norm);
      for (int d = 0; d < dim; ++d) {
        EXPECT_NEAR(y_.cpu_data()[r * dim + d],
                    x_.cpu_data()[r * dim + d] / norm, 1e-6);
      }
    }
  }

  L2NormalizeLayer<Dtype> layer_;
  Blob<Dtype> x_, y_;
  vector<Blob<Dtype>*> bottom_, top_;
};

TYPED_TEST_SUITE(L2NormalizeLayerTest, TestDtypesAndDevices);

// A later batch is larger, with more columns than a block has threads.
TYPED_TEST(L2NormalizeLayerTest, TestForward) {
  this->Fill({3, 5}, 2);
  this->layer_.SetUp(this->bottom_, this->top_);
  this->layer_.Forward(this->bottom_, this->top_);
  this->ExpectUnitRows();
  this->Fill({9, 50, 3, 2}, 5);
  this->layer_.Forward(this->bottom_, this->top_);
  EXPECT_EQ(this->y_.shape(), this->x_.shape());
  this->ExpectUnitRows();
}

TYPED_TEST(L2NormalizeLayerTest, TestNoRows) {
  this->Fill({3, 5}, 2);
  this->layer_.SetUp(this->bottom_, this->top_);
  this->layer_.Forward(this->bottom_, this->top_);
  this->x_.Reshape(std::vector<int>{0, 5});
  this->layer_.Forward(this->bottom_, this->top_);
  this->layer_.Backward(this->top_, {true}, this->bottom_);
  EXPECT_EQ(this->y_.count(), 0);
  this->Fill({3, 5}, 2);  // an error of CUDA would be found here
  this->layer_.Forward(this->bottom_, this->top_);
  this->ExpectUnitRows();
}

TYPED_TEST(L2NormalizeLayerTest, TestGradient) {
  using Dtype = typename TypeParam::Dtype;
  this->Fill({3, 4}, .4);  // short rows have gradients above one
  this->layer_.SetUp(this->bottom_, this->top_);
  this->layer_.Forward(this->bottom_, this->top_);
  caffe_set(12, Dtype(0), this->y_.mutable_cpu_diff());
  for (int r = 0; r < 3; ++r) this->y_.mutable_cpu_diff()[4 * r] = 1;
  this->layer_.Backward(this->top_, {true}, this->bottom_);
  const Dtype* dx = this->x_.cpu_diff();
  ASSERT_GE(MaxAbs(std::vector<double>(dx, dx + 12)), 1);
  GradientChecker<Dtype> checker(1e-3, 5e-3);
  checker.CheckGradientExhaustive(&this->layer_, this->bottom_, this->top_);
}

// dy - y (y . dy) = (1, 2) - 2.2 (.6, .8), over the norm 5.
TYPED_TEST(L2NormalizeLayerTest, TestFixtureInPlaceAndNot) {
  using Dtype = typename TypeParam::Dtype;
  for (bool in_place : {false, true}) {
    this->x_.Reshape({1, 2});
    FillData({3, 4}, &this->x_);
    Blob<Dtype>* top = in_place ? &this->x_ : &this->y_;
    L2NormalizeLayer<Dtype> layer(this->Param(1e-12));
    layer.SetUp(this->bottom_, {top});
    layer.Forward(this->bottom_, {top});
    EXPECT_NEAR(top->cpu_data()[0], .6, 1e-6);
    EXPECT_NEAR(top->cpu_data()[1], .8, 1e-6);
    top->mutable_cpu_diff()[0] = 1;
    top->mutable_cpu_diff()[1] = 2;
    layer.Backward({top}, {true}, this->bottom_);
    EXPECT_NEAR(this->x_.cpu_diff()[0], -.064, 1e-6);
    EXPECT_NEAR(this->x_.cpu_diff()[1], .048, 1e-6);
  }
}

TYPED_TEST(L2NormalizeLayerTest, TestZeroRows) {
  using Dtype = typename TypeParam::Dtype;
  this->x_.Reshape({4, 2});
  FillData({0, 0, 3, 4, .006, .008, .03, .04}, &this->x_);
  L2NormalizeLayer<Dtype> layer(this->Param(.02));
  layer.SetUp(this->bottom_, this->top_);
  layer.Forward(this->bottom_, this->top_);
  const double y[8] = {0, 0, .6, .8, 0, 0, .6, .8};
  caffe_set(8, Dtype(5), this->y_.mutable_cpu_diff());
  caffe_set(8, Dtype(77), this->x_.mutable_cpu_diff());
  layer.Backward(this->top_, {true}, this->bottom_);
  for (int i = 0; i < 8; ++i) {
    EXPECT_NEAR(this->y_.cpu_data()[i], y[i], 1e-6);
    const bool zero_row = y[i] == 0;
    EXPECT_EQ(this->y_.cpu_data()[i] == 0, zero_row);
    EXPECT_EQ(this->x_.cpu_diff()[i] == 0, zero_row);
  }
  EXPECT_EQ(layer.zero_rows(), 2);
  layer.Forward(this->bottom_, this->top_);
  EXPECT_EQ(layer.zero_rows(), 4);
}

/// Collects what one layer warns of.
class WarningSink : public google::LogSink {
 public:
  WarningSink() { google::AddLogSink(this); }
  ~WarningSink() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity severity, const char* /*path*/,
            const char* /*file*/, int /*line*/,
            const google::LogMessageTime& /*time*/, const char* message,
            size_t size) override {
    const string text(message, size);
    if (severity == google::GLOG_WARNING && text.find("unit: ") == 0) {
      warnings.push_back(text);
    }
  }
  std::vector<string> warnings;
};

TYPED_TEST(L2NormalizeLayerTest, TestWarningsDoNotFlood) {
  this->Fill({3, 2}, 1);
  this->x_.mutable_cpu_data()[2] = this->x_.mutable_cpu_data()[3] = 0;
  this->layer_.SetUp(this->bottom_, this->top_);
  WarningSink sink;
  for (int i = 0; i < 2050; ++i) {
    this->layer_.Forward(this->bottom_, this->top_);
  }
  ASSERT_EQ(sink.warnings.size(), 12);  // 1, 2, 4, ... 1024 and 2048
  EXPECT_NE(sink.warnings[2].find("4 of 12 rows in 4 forward passes"),
            string::npos)
      << sink.warnings[2];
  EXPECT_EQ(this->layer_.zero_rows(), 2050);

  this->Fill({3, 2}, 1);  // healthy again: nothing new to tell
  for (int i = 0; i < 2048; ++i) {
    this->layer_.Forward(this->bottom_, this->top_);
  }
  EXPECT_EQ(sink.warnings.size(), 13);  // the last two of before
}

// max() makes a row whose norm is infinite.
TYPED_TEST(L2NormalizeLayerTest, TestNanAndInfinityStayInTheirRow) {
  using Dtype = typename TypeParam::Dtype;
  typedef std::numeric_limits<Dtype> Limits;
  this->Fill({3, 4}, 2);
  this->layer_.SetUp(this->bottom_, this->top_);
  this->x_.mutable_cpu_data()[4] = Limits::max();
  for (Dtype bad : {Limits::quiet_NaN(), Limits::infinity(), Limits::max()}) {
    this->x_.mutable_cpu_data()[5] = bad;
    this->layer_.Forward(this->bottom_, this->top_);
    caffe_set(12, Dtype(1), this->y_.mutable_cpu_diff());
    this->layer_.Backward(this->top_, {true}, this->bottom_);
    for (int i = 0; i < 12; ++i) {
      EXPECT_EQ(std::isnan(this->y_.cpu_data()[i]), i / 4 == 1) << i;
      EXPECT_EQ(std::isnan(this->x_.cpu_diff()[i]), i / 4 == 1) << i;
    }
  }
  EXPECT_EQ(this->layer_.zero_rows(), 0);
}

// The squares of these leave the range of float; the rows do not.
TYPED_TEST(L2NormalizeLayerTest, TestHugeAndTinyRows) {
  using Dtype = typename TypeParam::Dtype;
  this->x_.Reshape({2, 2});
  FillData({3e30, 4e30, 3e-30, 4e-30}, &this->x_);
  L2NormalizeLayer<Dtype> layer(this->Param(0));
  layer.SetUp(this->bottom_, this->top_);
  layer.Forward(this->bottom_, this->top_);
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(this->y_.cpu_data()[i], i % 2 ? .8 : .6, 1e-6) << i;
  }
}

}  // namespace caffe
