// What tests ask of the stand-in for cuDNN, and tell it.
#ifndef CUDA_ON_CPU_DNN_TESTING_HPP_
#define CUDA_ON_CPU_DNN_TESTING_HPP_

#include <cstddef>
#include <functional>
#include <vector>

#include "cudnn.h"

namespace cuda_on_cpu {

enum class Pass { kForward, kBackwardFilter, kBackwardData };

/// One algorithm, as the stand-in ranks it. All compute the same.
struct DnnAlgorithm {
  int algo;
  float ms;          // measured; the order of the list is the heuristics'
  size_t workspace;  // bytes that it needs
  bool deterministic;
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
};
/// From now on a pass has these algorithms; none: as at the start.
void SetAlgorithms(Pass pass, const std::vector<DnnAlgorithm>& algorithms);

/// One convolution, as it was called.
struct ConvolutionCall {
  Pass pass;
  int algo;
  cudnnMathType_t math;
  void* workspace;
  size_t workspace_bytes;
};
/// The calls since the last time.
std::vector<ConvolutionCall> TakeConvolutionCalls();
/// How often algorithms were measured since the last time.
int TakeMeasurements();
/// The modes of pooling passes since the last time.
std::vector<cudnnPoolingMode_t> TakePoolingModes();

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_DNN_TESTING_HPP_
