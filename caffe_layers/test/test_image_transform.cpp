#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <opencv2/core/core.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/data_transformer.hpp"
#include "caffe/util/io.hpp"
#include "drdl/image_transform.hpp"
#include "drdl/input_error.hpp"
#include "gtest/gtest.h"

namespace drdl {

using caffe::TransformationParameter;

namespace {

cv::Mat RandomImage(int height, int width, int channels) {
  cv::Mat image(height, width, CV_8UC(channels));
  CounterRng rng(1, height, width, channels);
  for (size_t i = 0; i < image.total() * channels; ++i) {
    image.data[i] = rng.Below(256);
  }
  return image;
}

// A pixel says where it is: blue its row, green its column.
cv::Mat PositionImage(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at<cv::Vec3b>(y, x) = cv::Vec3b(y, x, 0);
    }
  }
  return image;
}

std::string WriteMeanFile(int channels, int height, int width) {
  caffe::BlobProto mean;
  mean.set_num(1);
  mean.set_channels(channels);
  mean.set_height(height);
  mean.set_width(width);
  CounterRng rng(2, channels, height, width);
  for (int i = 0; i < channels * height * width; ++i) {
    mean.add_data(rng.Below(1000) / 8.f);
  }
  std::string name;
  caffe::MakeTempFilename(&name);
  caffe::WriteProtoToBinaryFile(mean, name);
  return name;
}

template <typename Dtype>
std::vector<Dtype> Ours(const TransformationParameter& param,
                        caffe::Phase phase, const cv::Mat& image,
                        CounterRng rng = CounterRng(1, 2, 3, 4)) {
  const ImageTransform transform(param, phase, image);
  EXPECT_EQ(transform.Refusal(image), "");
  std::vector<Dtype> out(transform.channels() * transform.height() *
                         transform.width());
  transform.Apply(image, rng, out.data());
  return out;
}

std::string WhatIsThrown(const TransformationParameter& param,
                         const cv::Mat& sample) {
  try {
    ImageTransform transform(param, caffe::TEST, sample);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

template <typename Dtype>
class ImageTransformTest : public ::testing::Test {
 protected:
  // To the last bit.
  void ExpectAsCaffe(const TransformationParameter& param,
                     const cv::Mat& image) {
    const std::vector<Dtype> ours = Ours<Dtype>(param, caffe::TEST, image);
    caffe::DataTransformer<Dtype> transformer(param, caffe::TEST);
    transformer.InitRand();
    caffe::Blob<Dtype> blob(transformer.InferBlobShape(image));
    transformer.Transform(image, &blob);
    ASSERT_EQ(ours.size(), blob.count());
    EXPECT_EQ(ours, std::vector<Dtype>(blob.cpu_data(),
                                       blob.cpu_data() + blob.count()));
    EXPECT_NE(ours, std::vector<Dtype>(ours.size(), ours[0]));
  }
};

typedef ::testing::Types<float, double> Dtypes;
TYPED_TEST_SUITE(ImageTransformTest, Dtypes);

TYPED_TEST(ImageTransformTest, TestPixels) {
  TransformationParameter param;
  this->ExpectAsCaffe(param, RandomImage(7, 10, 3));
  this->ExpectAsCaffe(param, RandomImage(7, 10, 1));
}

// Even and odd margins, up to none.
TYPED_TEST(ImageTransformTest, TestCentreCrop) {
  TransformationParameter param;
  for (int crop = 1; crop <= 7; ++crop) {
    param.set_crop_size(crop);
    this->ExpectAsCaffe(param, RandomImage(7, 10, 3));
    this->ExpectAsCaffe(param, RandomImage(12, 7, 3));
  }
}

TYPED_TEST(ImageTransformTest, TestMeanValuesAndScale) {
  TransformationParameter param;
  param.set_crop_size(5);
  param.set_scale(1 / 60.f);
  this->ExpectAsCaffe(param, RandomImage(7, 10, 3));
  param.add_mean_value(104.3f);
  this->ExpectAsCaffe(param, RandomImage(7, 10, 1));
  this->ExpectAsCaffe(param, RandomImage(7, 10, 3));  // one for all channels
  param.add_mean_value(117.1f);
  param.add_mean_value(122.7f);
  this->ExpectAsCaffe(param, RandomImage(7, 10, 3));
}

TYPED_TEST(ImageTransformTest, TestMeanFile) {
  TransformationParameter param;
  param.set_mean_file(WriteMeanFile(3, 7, 10));
  param.set_scale(.1f);
  this->ExpectAsCaffe(param, RandomImage(7, 10, 3));
  param.set_crop_size(4);
  this->ExpectAsCaffe(param, RandomImage(7, 10, 3));
}

// The mean image is cropped and mirrored with the image: where the two are the
// same, nothing is left.
TYPED_TEST(ImageTransformTest, TestMeanFileFollowsTheCrop) {
  const cv::Mat image = PositionImage(9, 12);
  caffe::BlobProto mean;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 9; ++y) {
      for (int x = 0; x < 12; ++x) mean.add_data(image.at<cv::Vec3b>(y, x)[c]);
    }
  }
  std::string name;
  caffe::MakeTempFilename(&name);
  caffe::WriteProtoToBinaryFile(mean, name);
  TransformationParameter param;
  param.set_mean_file(name);
  param.set_crop_size(5);
  param.set_mirror(true);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(
        Ours<TypeParam>(param, caffe::TRAIN, image, CounterRng(1, 2, 3, i)),
        std::vector<TypeParam>(3 * 5 * 5, 0));
  }
}

// Every crop is a window of the image, mirrored or not, and all windows occur
// equally often.
TYPED_TEST(ImageTransformTest, TestRandomCropAndMirror) {
  const int height = 6, width = 8, crop = 4;
  const cv::Mat image = PositionImage(height, width);
  TransformationParameter param;
  param.set_crop_size(crop);
  param.set_mirror(true);
  std::map<std::tuple<int, int, bool>, int> seen;
  const int draws = 6000;
  for (int i = 0; i < draws; ++i) {
    const std::vector<TypeParam> out =
        Ours<TypeParam>(param, caffe::TRAIN, image, CounterRng(1, 2, 3, i));
    const TypeParam* rows = out.data();
    const TypeParam* columns = rows + crop * crop;
    const bool mirror = columns[1] < columns[0];
    const int top = rows[0], left = columns[mirror ? crop - 1 : 0];
    for (int y = 0; y < crop; ++y) {
      for (int x = 0; x < crop; ++x) {
        ASSERT_EQ(rows[y * crop + x], top + y);
        ASSERT_EQ(columns[y * crop + x], left + (mirror ? crop - 1 - x : x));
      }
    }
    ++seen[std::make_tuple(top, left, mirror)];
  }
  const int windows = (height - crop + 1) * (width - crop + 1);
  ASSERT_EQ(seen.size(), 2 * windows);
  const double mean = draws / (2. * windows);
  double chi_square = 0;
  for (const auto& window : seen) {
    chi_square += (window.second - mean) * (window.second - mean) / mean;
  }
  EXPECT_LT(chi_square, 60);  // 29 degrees of freedom: 1 of 1,000 exceeds 58
}

TYPED_TEST(ImageTransformTest, TestTheSameStreamGivesTheSameImage) {
  const cv::Mat image = RandomImage(9, 12, 3);
  TransformationParameter param;
  param.set_crop_size(5);
  param.set_mirror(true);
  for (int i = 0; i < 10; ++i) {
    const CounterRng rng(1, 2, 3, i);
    EXPECT_EQ(Ours<TypeParam>(param, caffe::TRAIN, image, rng),
              Ours<TypeParam>(param, caffe::TRAIN, image, rng));
  }
}

// As in Caffe: mirroring is drawn in the TEST phase too, cropping is not.
TYPED_TEST(ImageTransformTest, TestPhases) {
  const cv::Mat image = PositionImage(9, 12);
  TransformationParameter param;
  param.set_crop_size(5);
  std::map<std::vector<TypeParam>, int> seen;
  for (int i = 0; i < 40; ++i) {
    ++seen[Ours<TypeParam>(param, caffe::TEST, image, CounterRng(1, 2, 3, i))];
  }
  EXPECT_EQ(seen.size(), 1);
  param.set_mirror(true);
  for (int i = 0; i < 40; ++i) {
    ++seen[Ours<TypeParam>(param, caffe::TEST, image, CounterRng(1, 2, 3, i))];
  }
  EXPECT_EQ(seen.size(), 2);
}

TEST(ImageTransformRefusalTest, TestCropTooLarge) {
  TransformationParameter param;
  param.set_crop_size(8);
  EXPECT_EQ(WhatIsThrown(param, RandomImage(7, 10, 3)),
            "an image of 7 x 10 x 3 does not give 8 x 8 x 3\n  where: "
            "transform_param, and the LMDB's first image\n  next: make "
            "crop_size smaller or the LMDB's images larger");
  EXPECT_NE(WhatIsThrown(param, RandomImage(10, 7, 3)), "");
  EXPECT_EQ(WhatIsThrown(param, RandomImage(8, 8, 3)), "");
}

TEST(ImageTransformRefusalTest, TestOtherSizes) {
  TransformationParameter param;
  const ImageTransform whole(param, caffe::TEST, RandomImage(7, 10, 3));
  EXPECT_EQ(whole.Refusal(RandomImage(7, 10, 3)), "");
  EXPECT_NE(whole.Refusal(RandomImage(8, 10, 3)), "");
  EXPECT_NE(whole.Refusal(RandomImage(7, 9, 3)), "");
  EXPECT_NE(whole.Refusal(RandomImage(7, 10, 1)), "");
  param.set_crop_size(6);
  const ImageTransform cropped(param, caffe::TEST, RandomImage(7, 10, 3));
  EXPECT_EQ(cropped.Refusal(RandomImage(9, 6, 3)), "");
  EXPECT_NE(cropped.Refusal(RandomImage(9, 5, 3)), "");
  param.set_mean_file(WriteMeanFile(3, 7, 10));
  const ImageTransform mean(param, caffe::TEST, RandomImage(7, 10, 3));
  EXPECT_EQ(mean.Refusal(RandomImage(7, 10, 3)), "");
  EXPECT_NE(mean.Refusal(RandomImage(9, 10, 3)), "");
}

TEST(ImageTransformRefusalTest, TestWrongMean) {
  const cv::Mat image = RandomImage(7, 10, 3);
  const auto says = [&](const TransformationParameter& param,
                        const std::string& what) {
    const std::string thrown = WhatIsThrown(param, image);
    EXPECT_NE(thrown.find(what), std::string::npos) << thrown;
    EXPECT_NE(thrown.find("\n  next: "), std::string::npos) << thrown;
  };
  TransformationParameter values;
  values.add_mean_value(1);
  values.add_mean_value(2);
  says(values, "2 mean_value for images of 3 channels");
  for (const float scale : {0.f, NAN, INFINITY}) {
    TransformationParameter blank;
    blank.set_scale(scale);
    says(blank, "scale must be a number other than 0");
  }
  TransformationParameter nowhere;
  nowhere.add_mean_value(NAN);
  says(nowhere, "mean_value must be a number, not nan");
  TransformationParameter both;
  both.add_mean_value(1);
  both.set_mean_file(WriteMeanFile(3, 7, 10));
  says(both, "mean_file and mean_value are both given");
  TransformationParameter size;
  size.set_mean_file(WriteMeanFile(3, 7, 9));
  says(size, "the mean image has 189 values, an image has 210");
  TransformationParameter missing;
  missing.set_mean_file("no/such/mean.binaryproto");
  says(missing, "no/such/mean.binaryproto");
  TransformationParameter damaged;
  damaged.set_mean_file(WriteMeanFile(3, 7, 10));
  std::ofstream(damaged.mean_file(), std::ios::binary) << "\x0a\xff no mean";
  says(damaged, damaged.mean_file());
}

}  // namespace
}  // namespace drdl
