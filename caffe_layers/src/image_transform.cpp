#include "drdl/image_transform.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "caffe/util/io.hpp"
#include "drdl/input_error.hpp"

namespace drdl {

using caffe::TransformationParameter;

void CheckTransform(const TransformationParameter& param) {
  CHECK(std::isfinite(param.scale()) && param.scale() != 0)
      << "scale must be a number other than 0, not " << param.scale();
  for (const float mean : param.mean_value()) {
    CHECK(std::isfinite(mean)) << "mean_value must be a number, not " << mean;
  }
}

ImageTransform::ImageTransform(const TransformationParameter& param,
                               caffe::Phase phase, const cv::Mat& sample)
    : param_(param),
      random_crop_(phase == caffe::TRAIN),
      channels_(sample.channels()),
      height_(param.crop_size() ? param.crop_size() : sample.rows),
      width_(param.crop_size() ? param.crop_size() : sample.cols),
      full_height_(sample.rows),
      full_width_(sample.cols) {
  CheckTransform(param);
  const std::string refusal = Refusal(sample);
  if (!refusal.empty()) {
    throw InputError(refusal, "transform_param, and the LMDB's first image",
                     "make crop_size smaller or the LMDB's images larger");
  }
  LoadMean(sample);
}

void ImageTransform::LoadMean(const cv::Mat& sample) {
  const int values = param_.mean_value_size();
  std::ostringstream what;
  if (param_.has_mean_file() && values > 0) {
    what << "mean_file and mean_value are both given";
  } else if (values > 1 && values != channels_) {
    what << values << " mean_value for images of " << channels_ << " channels";
  } else if (param_.has_mean_file()) {
    if (!caffe::ReadProtoFromBinaryFile(param_.mean_file(), &mean_image_)) {
      throw InputError("not a mean image (BlobProto)", param_.mean_file(),
                       "make it again with compute_image_mean");
    }
    const int pixels = channels_ * sample.rows * sample.cols;
    if (mean_image_.data_size() != pixels) {
      what << "the mean image has " << mean_image_.data_size()
           << " values, an image has " << pixels;
    }
  }
  if (!what.str().empty()) {
    throw InputError(what.str(), "transform_param",
                     "give one mean_value a channel (blue, green, red), or a "
                     "mean_file of this LMDB");
  }
  for (int c = 0; c < channels_; ++c) {
    mean_values_.push_back(values == 0 ? 0
                                       : param_.mean_value(values > 1 ? c : 0));
  }
}

std::string ImageTransform::Refusal(const cv::Mat& image) const {
  std::ostringstream what;
  const bool fits = param_.crop_size()
                        ? image.rows >= height_ && image.cols >= width_
                        : image.rows == height_ && image.cols == width_;
  if (!fits || image.channels() != channels_ ||
      (mean_image_.data_size() > 0 &&
       mean_image_.data_size() !=
           static_cast<int>(image.total()) * channels_)) {
    what << "an image of " << image.rows << " x " << image.cols << " x "
         << image.channels() << " does not give " << height_ << " x " << width_
         << " x " << channels_;
  }
  return what.str();
}

CutOut ImageTransform::Draw(const cv::Mat& image, CounterRng rng) const {
  CutOut cut;
  cut.top = (image.rows - height_) / 2;
  cut.left = (image.cols - width_) / 2;
  if (random_crop_) {
    cut.top = rng.Below(image.rows - height_ + 1);
    cut.left = rng.Below(image.cols - width_ + 1);
  }
  cut.mirrored = param_.mirror() && rng.Below(2);
  return cut;
}

CutOut ImageTransform::Cut(const cv::Mat& image, CounterRng rng,
                           uint8_t* out) const {
  const CutOut cut = Draw(image, rng);
  const size_t row = static_cast<size_t>(width_) * channels_;
  for (int y = 0; y < height_; ++y) {
    const uchar* from = image.ptr<uchar>(cut.top + y) + cut.left * channels_;
    std::copy(from, from + row, out + y * row);
  }
  return cut;
}

int ImageTransform::mean_count() const {
  return mean_image_.data_size() > 0 ? mean_image_.data_size() : channels_;
}

void ImageTransform::CopyMeans(float* out) const {
  if (mean_image_.data_size() > 0) {
    std::copy(mean_image_.data().begin(), mean_image_.data().end(), out);
  } else {
    std::copy(mean_values_.begin(), mean_values_.end(), out);
  }
}

template <typename Dtype>
void ImageTransform::Apply(const cv::Mat& image, CounterRng rng,
                           Dtype* out) const {
  const CutOut cut = Draw(image, rng);
  const int top = cut.top, left = cut.left;
  const Dtype scale = param_.scale();
  const bool has_image = mean_image_.data_size() > 0;
  // Channel by channel, both ends of the loops below are without gaps, and the
  // compiler takes several pixels at a time.
  std::vector<cv::Mat> planes;
  cv::split(image(cv::Rect(left, top, width_, height_)), planes);
  for (int c = 0; c < channels_; ++c) {
    const Dtype mean = mean_values_[c];
    for (int y = 0; y < height_; ++y) {
      const uchar* pixel = planes[c].ptr<uchar>(y);
      Dtype* row = out + (static_cast<size_t>(c) * height_ + y) * width_;
      if (has_image) {
        const float* mean_row =
            mean_image_.data().data() +
            (static_cast<size_t>(c) * image.rows + top + y) * image.cols + left;
        for (int x = 0; x < width_; ++x) {
          row[x] = (static_cast<Dtype>(pixel[x]) - mean_row[x]) * scale;
        }
      } else {
        for (int x = 0; x < width_; ++x) {
          row[x] = (static_cast<Dtype>(pixel[x]) - mean) * scale;
        }
      }
      if (cut.mirrored) std::reverse(row, row + width_);
    }
  }
}

template void ImageTransform::Apply<float>(const cv::Mat&, CounterRng,
                                           float*) const;
template void ImageTransform::Apply<double>(const cv::Mat&, CounterRng,
                                            double*) const;

}  // namespace drdl
