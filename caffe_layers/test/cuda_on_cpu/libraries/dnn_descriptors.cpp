// cuDNN's handles and descriptors.

#include "dnn.hpp"

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_ALLOC_FAILED:
      return "CUDNN_STATUS_ALLOC_FAILED";
  }
  return "CUDNN_STATUS_UNKNOWN";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cuda_on_cpu::Dnn;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

#define CUDA_ON_CPU_DESCRIPTOR(NAME, TYPE)                       \
  cudnnStatus_t cudnnCreate##NAME(cudnn##NAME##_t* descriptor) { \
    *descriptor = new cuda_on_cpu::TYPE{};                       \
    return CUDNN_STATUS_SUCCESS;                                 \
  }                                                              \
  cudnnStatus_t cudnnDestroy##NAME(cudnn##NAME##_t descriptor) { \
    delete descriptor;                                           \
    return CUDNN_STATUS_SUCCESS;                                 \
  }
CUDA_ON_CPU_DESCRIPTOR(TensorDescriptor, DnnTensor)
CUDA_ON_CPU_DESCRIPTOR(FilterDescriptor, DnnFilter)
CUDA_ON_CPU_DESCRIPTOR(ConvolutionDescriptor, DnnConvolution)
CUDA_ON_CPU_DESCRIPTOR(PoolingDescriptor, DnnPooling)
CUDA_ON_CPU_DESCRIPTOR(ActivationDescriptor, DnnActivation)
CUDA_ON_CPU_DESCRIPTOR(LRNDescriptor, DnnLrn)

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t tensor,
                                           cudnnDataType_t type, int n, int c,
                                           int h, int w, int stride_n,
                                           int stride_c, int stride_h,
                                           int stride_w) {
  if (n <= 0 || c <= 0 || h <= 0 || w <= 0) return CUDNN_STATUS_BAD_PARAM;
  *tensor = {type, n, c, h, w, stride_n, stride_c, stride_h, stride_w};
  return tensor->packed() ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter,
                                         cudnnDataType_t type,
                                         cudnnTensorFormat_t, int k, int c,
                                         int h, int w) {
  if (k <= 0 || c <= 0 || h <= 0 || w <= 0) return CUDNN_STATUS_BAD_PARAM;
  *filter = {type, k, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t conv,
                                              int pad_h, int pad_w,
                                              int stride_h, int stride_w,
                                              int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t,
                                              cudnnDataType_t) {
  if (pad_h < 0 || pad_w < 0 || stride_h <= 0 || stride_w <= 0) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  *conv = {pad_h, pad_w, stride_h, stride_w};
  return dilation_h == 1 && dilation_w == 1 ? CUDNN_STATUS_SUCCESS
                                            : CUDNN_STATUS_NOT_SUPPORTED;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t conv,
                                          cudnnMathType_t math) {
  conv->math = math;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t pooling,
                                          cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t, int h, int w,
                                          int pad_h, int pad_w, int stride_h,
                                          int stride_w) {
  if (h <= 0 || w <= 0 || pad_h < 0 || pad_w < 0 || stride_h <= 0 ||
      stride_w <= 0) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  *pooling = {mode, h, w, pad_h, pad_w, stride_h, stride_w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetActivationDescriptor(
    cudnnActivationDescriptor_t activation, cudnnActivationMode_t mode,
    cudnnNanPropagation_t, double) {
  activation->mode = mode;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetLRNDescriptor(cudnnLRNDescriptor_t lrn, unsigned n,
                                    double alpha, double beta, double k) {
  if (n < 1 || n > CUDNN_LRN_MAX_N || k < 1e-5 || beta < 0.01) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  *lrn = {static_cast<int>(n), alpha, beta, k};
  return CUDNN_STATUS_SUCCESS;
}
