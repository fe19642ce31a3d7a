#include "caffe/common.hpp"
#include "drdl/sgd_step.hpp"

namespace drdl {

namespace {

template <typename Dtype>
__global__ void SgdStepKernel(int count, Dtype decay, Dtype momentum,
                              Dtype rate, bool clear, Dtype* data, Dtype* diff,
                              Dtype* history) {
  CUDA_KERNEL_LOOP(i, count) {
    const Dtype value = data[i];
    const Dtype step = momentum * history[i] + rate * (diff[i] + decay * value);
    history[i] = step;
    data[i] = value - step;
    diff[i] = clear ? Dtype(0) : step;
  }
}

}  // namespace

template <typename Dtype>
void SgdStepOnDevice(int count, Dtype decay, Dtype momentum, Dtype rate,
                     bool clear, Dtype* data, Dtype* diff, Dtype* history) {
  SgdStepKernel<Dtype>
      <<<caffe::CAFFE_GET_BLOCKS(count), caffe::CAFFE_CUDA_NUM_THREADS>>>(
          count, decay, momentum, rate, clear, data, diff, history);
  CUDA_POST_KERNEL_CHECK;
}

template void SgdStepOnDevice(int, float, float, float, bool, float*, float*,
                              float*);
template void SgdStepOnDevice(int, double, double, double, bool, double*,
                              double*, double*);

}  // namespace drdl
