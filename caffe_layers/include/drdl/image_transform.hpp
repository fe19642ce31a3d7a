#ifndef DRDL_IMAGE_TRANSFORM_HPP_
#define DRDL_IMAGE_TRANSFORM_HPP_

#include <opencv2/core/core.hpp>
#include <string>
#include <vector>

#include "caffe/proto/caffe.pb.h"
#include "drdl/counter_rng.hpp"

namespace drdl {

/**
 * @brief Caffe's TransformationParameter for many threads at once.
 *
 * caffe::DataTransformer draws from one sequential generator and changes its
 * mean at first use, so threads cannot share it. Here the random numbers are
 * given, and nothing changes after construction. As there: crop at random in
 * the TRAIN phase and from the centre in TEST; mirror in either, at random.
 */
class ImageTransform {
 public:
  /// Shaped for images of the size of `sample`, H x W x C of 8 bits.
  /// @throws InputError if crop or mean do not fit such images.
  ImageTransform(const caffe::TransformationParameter& param,
                 caffe::Phase phase, const cv::Mat& sample);

  int channels() const { return channels_; }
  int height() const { return height_; }
  int width() const { return width_; }

  /// Empty where `image` can be transformed, else what is wrong with it.
  std::string Refusal(const cv::Mat& image) const;

  /// C x H x W values into `out`: (pixel - mean) * scale.
  template <typename Dtype>
  void Apply(const cv::Mat& image, CounterRng rng, Dtype* out) const;

 private:
  void LoadMean(const cv::Mat& sample);

  const caffe::TransformationParameter param_;
  const bool random_crop_;
  const int channels_, height_, width_;
  // One value a channel, or a whole mean image of C x H x W before cropping.
  std::vector<float> mean_values_;
  caffe::BlobProto mean_image_;
};

}  // namespace drdl

#endif  // DRDL_IMAGE_TRANSFORM_HPP_
