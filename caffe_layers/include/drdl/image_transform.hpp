#ifndef DRDL_IMAGE_TRANSFORM_HPP_
#define DRDL_IMAGE_TRANSFORM_HPP_

#include <opencv2/core/core.hpp>
#include <string>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/proto/caffe.pb.h"
#include "drdl/counter_rng.hpp"

namespace drdl {

/// Where an image was cut out, and whether it is mirrored then.
struct CutOut {
  int top, left, mirrored;
};

/// Throws where scale or a mean_value would leave nothing of images, as NaN.
void CheckTransform(const caffe::TransformationParameter& param);

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

  /// The same in two steps: its pixels into `out`, H x W x C bytes, ...
  CutOut Cut(const cv::Mat& image, CounterRng rng, uint8_t* out) const;
#ifndef CPU_ONLY
  /// ... and, on the stream, `images` of them into N x C x H x W values. All
  /// pointers are of the device, means what CopyMeans wrote.
  template <typename Dtype>
  void ApplyOnDevice(int images, const uint8_t* pixels, const CutOut* cut_outs,
                     const float* means, Dtype* out, cudaStream_t stream) const;
#endif
  /// The means that ApplyOnDevice takes away: so many, and their values.
  int mean_count() const;
  void CopyMeans(float* out) const;

 private:
  void LoadMean(const cv::Mat& sample);
  CutOut Draw(const cv::Mat& image, CounterRng rng) const;

  const caffe::TransformationParameter param_;
  const bool random_crop_;
  const int channels_, height_, width_;
  const int full_height_, full_width_;  // before the crop, where all are alike
  // One value a channel, or a whole mean image of C x H x W before cropping.
  std::vector<float> mean_values_;
  caffe::BlobProto mean_image_;
};

}  // namespace drdl

#endif  // DRDL_IMAGE_TRANSFORM_HPP_
