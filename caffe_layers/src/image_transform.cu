#include "caffe/common.hpp"
#include "drdl/image_transform.hpp"

namespace drdl {

namespace {

// What is the same for all images.
struct Shape {
  int channels, height, width;
  int mean_height, mean_width;  // 0: one mean a channel
};

// A thread a value. The sums are those of ImageTransform::Apply, bit for bit.
template <typename Dtype>
__global__ void TransformKernel(int count, Shape shape, Dtype scale,
                                const uint8_t* pixels, const CutOut* cut_outs,
                                const float* means, Dtype* out) {
  CUDA_KERNEL_LOOP(i, count) {
    const int x = i % shape.width;
    const int y = i / shape.width % shape.height;
    const int c = i / shape.width / shape.height % shape.channels;
    const int n = i / shape.width / shape.height / shape.channels;
    const CutOut cut = cut_outs[n];
    const int from = cut.mirrored ? shape.width - 1 - x : x;
    const size_t pixel =
        (static_cast<size_t>(n) * shape.height + y) * shape.width + from;
    const int mean =
        shape.mean_height == 0
            ? c
            : (c * shape.mean_height + cut.top + y) * shape.mean_width +
                  cut.left + from;
    out[i] = (static_cast<Dtype>(pixels[pixel * shape.channels + c]) -
              static_cast<Dtype>(means[mean])) *
             scale;
  }
}

}  // namespace

template <typename Dtype>
void ImageTransform::ApplyOnDevice(int images, const uint8_t* pixels,
                                   const CutOut* cut_outs, const float* means,
                                   Dtype* out, cudaStream_t stream) const {
  const bool mean_image = mean_image_.data_size() > 0;
  const Shape shape = {channels_, height_, width_,
                       mean_image ? full_height_ : 0,
                       mean_image ? full_width_ : 0};
  const int count = images * channels_ * height_ * width_;
  const Dtype scale = param_.scale();
  TransformKernel<Dtype>
      <<<caffe::CAFFE_GET_BLOCKS(count), caffe::CAFFE_CUDA_NUM_THREADS, 0,
         stream>>>(count, shape, scale, pixels, cut_outs, means, out);
  CUDA_POST_KERNEL_CHECK;
}

template void ImageTransform::ApplyOnDevice(int, const uint8_t*, const CutOut*,
                                            const float*, float*,
                                            cudaStream_t) const;
template void ImageTransform::ApplyOnDevice(int, const uint8_t*, const CutOut*,
                                            const float*, double*,
                                            cudaStream_t) const;

}  // namespace drdl
