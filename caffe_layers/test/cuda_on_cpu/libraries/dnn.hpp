// Descriptors of the stand-in for cuDNN.
#ifndef CUDA_ON_CPU_DNN_HPP_
#define CUDA_ON_CPU_DNN_HPP_

#include "cudnn.h"
#include "device.hpp"

namespace cuda_on_cpu {

struct Dnn {
  cudaStream_t stream = nullptr;
};
struct DnnTensor {
  cudnnDataType_t type;
  int n, c, h, w, stride_n, stride_c, stride_h, stride_w;

  int image() const { return c * h * w; }
  /// Every image lies in one piece; images may lie apart, as groups' do.
  bool packed() const {
    return stride_w == 1 && stride_h == w && stride_c == h * w;
  }
  bool SameSize(const DnnTensor& other) const {
    return type == other.type && n == other.n && c == other.c && h == other.h &&
           w == other.w;
  }
};
struct DnnFilter {
  cudnnDataType_t type;
  int k, c, h, w;
};
struct DnnConvolution {
  int pad_h, pad_w, stride_h, stride_w;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};
struct DnnPooling {
  cudnnPoolingMode_t mode;
  int h, w, pad_h, pad_w, stride_h, stride_w;
};
struct DnnActivation {
  cudnnActivationMode_t mode;
};
struct DnnLrn {
  int n;
  double alpha, beta, k;
};

/// A library reads, or writes, each image of a tensor.
template <typename T>
void UsesImages(const DnnTensor& tensor, const T* data) {
  for (int n = 0; n < tensor.n; ++n) {
    Uses(data + size_t(n) * tensor.stride_n, sizeof(T) * tensor.image());
  }
}
template <typename T>
bool DefinesImages(const DnnTensor& tensor, T* data) {
  bool good = true;
  for (int n = 0; n < tensor.n; ++n) {
    good &=
        Defines(data + size_t(n) * tensor.stride_n, sizeof(T) * tensor.image());
  }
  return good;
}

/// alpha * value + beta * what is there, which beta 0 does not read.
template <typename T>
void Blend(T alpha, T value, T beta, T* there) {
  *there = beta == 0 ? alpha * value : alpha * value + beta * *there;
}

/// Calls run with alpha and beta of the descriptor's type.
#define CUDA_ON_CPU_BY_TYPE(TYPE, CALL) \
  if ((TYPE) == CUDNN_DATA_FLOAT) {     \
    using T = float;                    \
    return CALL;                        \
  } else {                              \
    using T = double;                   \
    return CALL;                        \
  }

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_DNN_HPP_
