#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/layer_factory.hpp"
#include "caffe/proto/caffe.pb.h"
#include "drdl/labels.hpp"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "refused.hpp"

namespace caffe {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();
const double kInfinite = std::numeric_limits<double>::infinity();

// Labels that no layer with 3 outputs has an output for.
const double kNone[] = {3, 7, -1, 1e20, -1e20, kNaN, kInfinite, -kInfinite};

template <typename Dtype>
class LabelsTest : public ::testing::Test {
 protected:
  LabelsTest() : scores_(std::vector<int>{2, 3}), labels_(std::vector<int>{2}) {
    for (int i = 0; i < 6; ++i) scores_.mutable_cpu_data()[i] = (i + 1) / 7.;
  }

  shared_ptr<Layer<Dtype> > Make(const std::string& text) {
    LayerParameter param;
    CHECK(google::protobuf::TextFormat::ParseFromString(text, &param));
    return LayerRegistry<Dtype>::CreateLayer(param);
  }

  void SetLabels(Dtype first, Dtype second) {
    labels_.mutable_cpu_data()[0] = first;
    labels_.mutable_cpu_data()[1] = second;
  }

  void Refuses(const std::string& text, std::vector<Blob<Dtype>*> bottom) {
    Blob<Dtype> top;
    const std::vector<Blob<Dtype>*> tops = {&top};
    SetLabels(0, 2);
    const shared_ptr<Layer<Dtype> > layer = Make(text);
    layer->SetUp(bottom, tops);
    layer->Forward(bottom, tops);
    EXPECT_TRUE(std::isfinite(top.cpu_data()[0])) << text;
    for (const double label : kNone) {
      SetLabels(1, static_cast<Dtype>(label));
      EXPECT_REFUSED(layer->Forward(bottom, tops), "where there are 3 outputs");
    }
    // What Forward let through, another may have changed before Backward.
    if (layer->type() == std::string("Accuracy")) return;
    SetLabels(0, 2);
    layer->Forward(bottom, tops);
    SetLabels(1, 7);
    top.mutable_cpu_diff()[0] = 1;
    std::vector<bool> down(bottom.size(), false);
    if (bottom.size() > 1) down[0] = true;
    EXPECT_REFUSED(layer->Backward(tops, down, bottom), "label 7 where there");
  }

  Blob<Dtype> scores_, labels_;
};

typedef ::testing::Types<float, double> Numbers;
TYPED_TEST_SUITE(LabelsTest, Numbers);

TYPED_TEST(LabelsTest, OfLossesAndAccuracy) {
  for (const char* type : {"SoftmaxWithLoss", "Accuracy", "HingeLoss",
                           "MultinomialLogisticLoss"}) {
    this->Refuses(std::string("type: '") + type + "'",
                  {&this->scores_, &this->labels_});
  }
}

TYPED_TEST(LabelsTest, OfInfogainLoss) {
  Blob<TypeParam> matrix(1, 1, 3, 3);
  for (int i = 0; i < 9; ++i) matrix.mutable_cpu_data()[i] = i % 4 == 0;
  this->Refuses("type: 'InfogainLoss'",
                {&this->scores_, &this->labels_, &matrix});
}

TYPED_TEST(LabelsTest, OfEmbed) {
  this->Refuses(
      "type: 'Embed' embed_param { num_output: 2 input_dim: 3 weight_filler { "
      "type: 'xavier' } }",
      {&this->labels_});
}

TYPED_TEST(LabelsTest, TheIgnoredOneAloneIsLeftOut) {
  const TypeParam minus_one[] = {-1, 2}, minus_two[] = {-2, 2};
  const int ignored = -1;
  drdl::CheckLabels(minus_one, 2, 3, &ignored);
  EXPECT_REFUSED(drdl::CheckLabels(minus_one, 2, 3), "label -1 where");
  EXPECT_REFUSED(drdl::CheckLabels(minus_two, 2, 3, &ignored),
                 "label -2 where there are 3 outputs\n  where: a layer with "
                 "labels, label 0 of 2 in the batch\n  next: set num_output to "
                 "more than the largest label, or number the labels 0 .. 2");
}

// The index that MAX pooling keeps lies in its window, whatever stands there.
TYPED_TEST(LabelsTest, MaxPoolingOfNaNAndMinusInfinity) {
  Blob<TypeParam> bottom(1, 2, 4, 4), top, mask;
  for (const double value : {kNaN, -kInfinite, 1.}) {
    for (const bool with_mask : {false, true}) {
      TypeParam* data = bottom.mutable_cpu_data();
      for (int i = 0; i < 32; ++i) data[i] = i < 16 ? i : value;
      std::vector<Blob<TypeParam>*> tops = {&top};
      if (with_mask) tops.push_back(&mask);
      const shared_ptr<Layer<TypeParam> > layer = this->Make(
          "type: 'Pooling' pooling_param { kernel_size: 2 stride: 2 }");
      layer->SetUp({&bottom}, tops);
      layer->Forward({&bottom}, tops);
      for (int i = 0; i < 8; ++i) top.mutable_cpu_diff()[i] = 1;
      layer->Backward(tops, {true}, {&bottom});
      const int maxima[] = {5, 7, 13, 15};
      for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(top.cpu_data()[i], maxima[i]);
        const TypeParam second = top.cpu_data()[4 + i];
        EXPECT_TRUE(second == value || (second != second && value != value));
      }
      TypeParam first_sum = 0, second_sum = 0;
      for (int i = 0; i < 16; ++i) {
        const bool maximum = i == 5 || i == 7 || i == 13 || i == 15;
        EXPECT_EQ(bottom.cpu_diff()[i], maximum ? 1 : 0);
        first_sum += bottom.cpu_diff()[i];
        second_sum += bottom.cpu_diff()[16 + i];
      }
      EXPECT_EQ(first_sum, 4);
      EXPECT_EQ(second_sum, 4);
    }
  }
}

// A stride beyond the kernel leaves rows out; no window begins behind the
// image.
TYPED_TEST(LabelsTest, PoolingWithAStrideBeyondTheKernel) {
  const struct {
    int size, kernel, stride, pooled;
  } cases[] = {{8, 1, 2, 4}, {7, 3, 65536, 1}, {9, 2, 5, 2},
               {5, 1, 4, 2}, {6, 1, 5, 2},     {5, 2, 4, 2}};
  for (const auto& c : cases) {
    for (const char* method : {"MAX", "AVE"}) {
      Blob<TypeParam> bottom(1, 1, c.size, c.size), top;
      for (int i = 0; i < bottom.count(); ++i) bottom.mutable_cpu_data()[i] = 1;
      const shared_ptr<Layer<TypeParam> > layer =
          this->Make(std::string("type: 'Pooling' pooling_param { pool: ") +
                     method + " kernel_size: " + std::to_string(c.kernel) +
                     " stride: " + std::to_string(c.stride) + " }");
      layer->SetUp({&bottom}, {&top});
      ASSERT_EQ(top.height(), c.pooled) << c.size << " " << c.stride;
      layer->Forward({&bottom}, {&top});
      for (int i = 0; i < top.count(); ++i) {
        EXPECT_LE(std::abs(top.cpu_data()[i]), 1);
        EXPECT_GT(top.cpu_data()[i], 0);
        top.mutable_cpu_diff()[i] = 1;
      }
      layer->Backward({&top}, {true}, {&bottom});
    }
  }
}

TYPED_TEST(LabelsTest, OneNaNInAWindowPassesThrough) {
  Blob<TypeParam> bottom(1, 1, 1, 4), top;
  const TypeParam values[] = {1, TypeParam(kNaN), 5, 2};
  for (int i = 0; i < 4; ++i) bottom.mutable_cpu_data()[i] = values[i];
  const shared_ptr<Layer<TypeParam> > layer =
      this->Make("type: 'Pooling' pooling_param { kernel_h: 1 kernel_w: 4 }");
  layer->SetUp({&bottom}, {&top});
  layer->Forward({&bottom}, {&top});
  EXPECT_TRUE(std::isnan(top.cpu_data()[0]));
}

}  // namespace
}  // namespace caffe
