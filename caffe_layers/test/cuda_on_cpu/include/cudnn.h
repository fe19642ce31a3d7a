// The part of cuDNN that Caffe calls, in plain loops (libraries/dnn_*.cpp);
// cuda_on_cpu/dnn_testing.hpp tells tests what was called.
#ifndef CUDA_ON_CPU_CUDNN_H_
#define CUDA_ON_CPU_CUDNN_H_
#include "cuda_runtime.h"

#define CUDNN_VERSION 91900

namespace cuda_on_cpu {
struct Dnn;
struct DnnTensor;
struct DnnFilter;
struct DnnConvolution;
struct DnnPooling;
struct DnnActivation;
struct DnnLrn;
}  // namespace cuda_on_cpu
typedef cuda_on_cpu::Dnn* cudnnHandle_t;
typedef cuda_on_cpu::DnnTensor* cudnnTensorDescriptor_t;
typedef cuda_on_cpu::DnnFilter* cudnnFilterDescriptor_t;
typedef cuda_on_cpu::DnnConvolution* cudnnConvolutionDescriptor_t;
typedef cuda_on_cpu::DnnPooling* cudnnPoolingDescriptor_t;
typedef cuda_on_cpu::DnnActivation* cudnnActivationDescriptor_t;
typedef cuda_on_cpu::DnnLrn* cudnnLRNDescriptor_t;

enum cudnnStatus_t {
  CUDNN_STATUS_SUCCESS = 0,
  CUDNN_STATUS_BAD_PARAM = 2000,
  CUDNN_STATUS_NOT_SUPPORTED = 3000,
  CUDNN_STATUS_ALLOC_FAILED = 4000,
};
enum cudnnDataType_t { CUDNN_DATA_FLOAT = 0, CUDNN_DATA_DOUBLE = 1 };
enum cudnnTensorFormat_t { CUDNN_TENSOR_NCHW = 0 };
enum cudnnNanPropagation_t { CUDNN_PROPAGATE_NAN = 1 };
enum cudnnConvolutionMode_t { CUDNN_CROSS_CORRELATION = 1 };
enum cudnnDeterminism_t { CUDNN_NON_DETERMINISTIC = 0, CUDNN_DETERMINISTIC };
enum cudnnMathType_t {
  CUDNN_DEFAULT_MATH = 0,
  CUDNN_TENSOR_OP_MATH = 1,
  CUDNN_FMA_MATH = 3,
};
enum cudnnPoolingMode_t {
  CUDNN_POOLING_MAX = 0,
  CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING = 1,
  CUDNN_POOLING_MAX_DETERMINISTIC = 3,
};
enum cudnnActivationMode_t {
  CUDNN_ACTIVATION_SIGMOID = 0,
  CUDNN_ACTIVATION_RELU = 1,
  CUDNN_ACTIVATION_TANH = 2,
};
enum cudnnLRNMode_t { CUDNN_LRN_CROSS_CHANNEL_DIM1 = 0 };
enum cudnnDivNormMode_t { CUDNN_DIVNORM_PRECOMPUTED_MEANS = 0 };
enum cudnnSoftmaxAlgorithm_t { CUDNN_SOFTMAX_ACCURATE = 1 };
enum cudnnSoftmaxMode_t { CUDNN_SOFTMAX_MODE_CHANNEL = 1 };
enum cudnnConvolutionFwdAlgo_t {
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM = 0,
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM = 1,
  CUDNN_CONVOLUTION_FWD_ALGO_GEMM = 2,
  CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD = 6,
};
enum cudnnConvolutionBwdFilterAlgo_t {
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 = 0,  // not deterministic
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 = 1,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT = 2,
};
enum cudnnConvolutionBwdDataAlgo_t {
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_0 = 0,  // not deterministic
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 = 1,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT = 2,
};
#define CUDNN_LRN_MAX_N 16

#define CUDA_ON_CPU_PERF(NAME, ALGO) \
  struct NAME {                      \
    ALGO algo;                       \
    cudnnStatus_t status;            \
    float time;                      \
    size_t memory;                   \
    cudnnDeterminism_t determinism;  \
    cudnnMathType_t mathType;        \
    int reserved[3];                 \
  };
CUDA_ON_CPU_PERF(cudnnConvolutionFwdAlgoPerf_t, cudnnConvolutionFwdAlgo_t)
CUDA_ON_CPU_PERF(cudnnConvolutionBwdFilterAlgoPerf_t,
                 cudnnConvolutionBwdFilterAlgo_t)
CUDA_ON_CPU_PERF(cudnnConvolutionBwdDataAlgoPerf_t,
                 cudnnConvolutionBwdDataAlgo_t)
#undef CUDA_ON_CPU_PERF

const char* cudnnGetErrorString(cudnnStatus_t status);
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle);
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle);
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);

#define CUDA_ON_CPU_DESCRIPTOR(NAME)                            \
  cudnnStatus_t cudnnCreate##NAME(cudnn##NAME##_t* descriptor); \
  cudnnStatus_t cudnnDestroy##NAME(cudnn##NAME##_t descriptor);
CUDA_ON_CPU_DESCRIPTOR(TensorDescriptor)
CUDA_ON_CPU_DESCRIPTOR(FilterDescriptor)
CUDA_ON_CPU_DESCRIPTOR(ConvolutionDescriptor)
CUDA_ON_CPU_DESCRIPTOR(PoolingDescriptor)
CUDA_ON_CPU_DESCRIPTOR(ActivationDescriptor)
CUDA_ON_CPU_DESCRIPTOR(LRNDescriptor)
#undef CUDA_ON_CPU_DESCRIPTOR
cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t tensor,
                                           cudnnDataType_t type, int n, int c,
                                           int h, int w, int stride_n,
                                           int stride_c, int stride_h,
                                           int stride_w);
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter,
                                         cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k,
                                         int c, int h, int w);
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t conv,
                                              int pad_h, int pad_w,
                                              int stride_h, int stride_w,
                                              int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode,
                                              cudnnDataType_t type);
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t conv,
                                          cudnnMathType_t math);
cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t pooling,
                                          cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t nan, int h,
                                          int w, int pad_h, int pad_w,
                                          int stride_h, int stride_w);
cudnnStatus_t cudnnSetActivationDescriptor(
    cudnnActivationDescriptor_t activation, cudnnActivationMode_t mode,
    cudnnNanPropagation_t nan, double ceiling);
cudnnStatus_t cudnnSetLRNDescriptor(cudnnLRNDescriptor_t lrn, unsigned n,
                                    double alpha, double beta, double k);

// --- Convolution. An algorithm is ranked by heuristics (Get) or measured
// (Find).
#define CUDA_ON_CPU_ALGORITHMS(KIND, X, Y, Z)                                 \
  cudnnStatus_t cudnnGetConvolution##KIND##Algorithm_v7(                      \
      cudnnHandle_t handle, X x, Y y, cudnnConvolutionDescriptor_t conv, Z z, \
      int wanted, int* count, CUDA_ON_CPU_PERF_##KIND* perf);                 \
  cudnnStatus_t cudnnFindConvolution##KIND##Algorithm(                        \
      cudnnHandle_t handle, X x, Y y, cudnnConvolutionDescriptor_t conv, Z z, \
      int wanted, int* count, CUDA_ON_CPU_PERF_##KIND* perf);                 \
  cudnnStatus_t cudnnGetConvolution##KIND##WorkspaceSize(                     \
      cudnnHandle_t handle, X x, Y y, cudnnConvolutionDescriptor_t conv, Z z, \
      CUDA_ON_CPU_ALGO_##KIND algo, size_t* bytes);
#define CUDA_ON_CPU_PERF_Forward cudnnConvolutionFwdAlgoPerf_t
#define CUDA_ON_CPU_PERF_BackwardFilter cudnnConvolutionBwdFilterAlgoPerf_t
#define CUDA_ON_CPU_PERF_BackwardData cudnnConvolutionBwdDataAlgoPerf_t
#define CUDA_ON_CPU_ALGO_Forward cudnnConvolutionFwdAlgo_t
#define CUDA_ON_CPU_ALGO_BackwardFilter cudnnConvolutionBwdFilterAlgo_t
#define CUDA_ON_CPU_ALGO_BackwardData cudnnConvolutionBwdDataAlgo_t
CUDA_ON_CPU_ALGORITHMS(Forward, cudnnTensorDescriptor_t,
                       cudnnFilterDescriptor_t, cudnnTensorDescriptor_t)
CUDA_ON_CPU_ALGORITHMS(BackwardFilter, cudnnTensorDescriptor_t,
                       cudnnTensorDescriptor_t, cudnnFilterDescriptor_t)
CUDA_ON_CPU_ALGORITHMS(BackwardData, cudnnFilterDescriptor_t,
                       cudnnTensorDescriptor_t, cudnnTensorDescriptor_t)
#undef CUDA_ON_CPU_ALGORITHMS

cudnnStatus_t cudnnConvolutionForward(
    cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_desc,
    const void* x, cudnnFilterDescriptor_t w_desc, const void* w,
    cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algo,
    void* workspace, size_t workspace_bytes, const void* beta,
    cudnnTensorDescriptor_t y_desc, void* y);
cudnnStatus_t cudnnConvolutionBackwardFilter(
    cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_desc,
    const void* x, cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdFilterAlgo_t algo,
    void* workspace, size_t workspace_bytes, const void* beta,
    cudnnFilterDescriptor_t dw_desc, void* dw);
cudnnStatus_t cudnnConvolutionBackwardData(
    cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w_desc,
    const void* w, cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdDataAlgo_t algo,
    void* workspace, size_t workspace_bytes, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx);
cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t handle,
                                           const void* alpha,
                                           cudnnTensorDescriptor_t dy_desc,
                                           const void* dy, const void* beta,
                                           cudnnTensorDescriptor_t db_desc,
                                           void* db);
cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void* alpha,
                             cudnnTensorDescriptor_t a_desc, const void* a,
                             const void* beta, cudnnTensorDescriptor_t c_desc,
                             void* c);

// --- Layers without weights
cudnnStatus_t cudnnActivationForward(cudnnHandle_t handle,
                                     cudnnActivationDescriptor_t activation,
                                     const void* alpha,
                                     cudnnTensorDescriptor_t x_desc,
                                     const void* x, const void* beta,
                                     cudnnTensorDescriptor_t y_desc, void* y);
cudnnStatus_t cudnnActivationBackward(
    cudnnHandle_t handle, cudnnActivationDescriptor_t activation,
    const void* alpha, cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx);
cudnnStatus_t cudnnPoolingForward(cudnnHandle_t handle,
                                  cudnnPoolingDescriptor_t pooling,
                                  const void* alpha,
                                  cudnnTensorDescriptor_t x_desc, const void* x,
                                  const void* beta,
                                  cudnnTensorDescriptor_t y_desc, void* y);
cudnnStatus_t cudnnPoolingBackward(
    cudnnHandle_t handle, cudnnPoolingDescriptor_t pooling, const void* alpha,
    cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx);
cudnnStatus_t cudnnLRNCrossChannelForward(
    cudnnHandle_t handle, cudnnLRNDescriptor_t lrn, cudnnLRNMode_t mode,
    const void* alpha, cudnnTensorDescriptor_t x_desc, const void* x,
    const void* beta, cudnnTensorDescriptor_t y_desc, void* y);
cudnnStatus_t cudnnLRNCrossChannelBackward(
    cudnnHandle_t handle, cudnnLRNDescriptor_t lrn, cudnnLRNMode_t mode,
    const void* alpha, cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx);
cudnnStatus_t cudnnDivisiveNormalizationForward(
    cudnnHandle_t handle, cudnnLRNDescriptor_t lrn, cudnnDivNormMode_t mode,
    const void* alpha, cudnnTensorDescriptor_t x_desc, const void* x,
    const void* means, void* temp, void* temp2, const void* beta,
    cudnnTensorDescriptor_t y_desc, void* y);
cudnnStatus_t cudnnDivisiveNormalizationBackward(
    cudnnHandle_t handle, cudnnLRNDescriptor_t lrn, cudnnDivNormMode_t mode,
    const void* alpha, cudnnTensorDescriptor_t x_desc, const void* x,
    const void* means, const void* dy, void* temp, void* temp2,
    const void* beta, cudnnTensorDescriptor_t dx_desc, void* dx, void* dmeans);
cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle,
                                  cudnnSoftmaxAlgorithm_t algorithm,
                                  cudnnSoftmaxMode_t mode, const void* alpha,
                                  cudnnTensorDescriptor_t x_desc, const void* x,
                                  const void* beta,
                                  cudnnTensorDescriptor_t y_desc, void* y);
cudnnStatus_t cudnnSoftmaxBackward(
    cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
    cudnnSoftmaxMode_t mode, const void* alpha, cudnnTensorDescriptor_t y_desc,
    const void* y, cudnnTensorDescriptor_t dy_desc, const void* dy,
    const void* beta, cudnnTensorDescriptor_t dx_desc, void* dx);
#endif  // CUDA_ON_CPU_CUDNN_H_
