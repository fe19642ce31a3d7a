// cuDNN's convolutions: a matrix product for each image.

#include <cblas.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "cuda_on_cpu/dnn_testing.hpp"
#include "cuda_on_cpu/testing.hpp"
#include "dnn.hpp"
#include "tf32.hpp"

using cuda_on_cpu::Blend;
using cuda_on_cpu::ConvolutionCall;
using cuda_on_cpu::Defines;
using cuda_on_cpu::DefinesImages;
using cuda_on_cpu::DnnAlgorithm;
using cuda_on_cpu::DnnConvolution;
using cuda_on_cpu::DnnFilter;
using cuda_on_cpu::DnnTensor;
using cuda_on_cpu::Enqueue;
using cuda_on_cpu::Pass;
using cuda_on_cpu::Uses;
using cuda_on_cpu::UsesImages;

namespace {

// The quickest by heuristics needs some workspace. ALGO_0 of the backward
// passes adds in no fixed order, and not even that runs without workspace.
const std::vector<DnnAlgorithm> kAlgorithms[] = {
    {{CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, 2, 1 << 10, true},
     {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, 1, 2 << 10, true},
     {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, 3, 0, true}},
    {{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, 1, 512, false},
     {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, 2, 1 << 10, true},
     {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, 3, 0, true}},
    {{CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, 1, 512, false},
     {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, 2, 1 << 10, true},
     {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, 3, 0, true}},
};

std::mutex mutex;  // for all below
std::vector<DnnAlgorithm> algorithms[] = {kAlgorithms[0], kAlgorithms[1],
                                          kAlgorithms[2]};
std::vector<ConvolutionCall> calls;
int measurements = 0;

std::vector<DnnAlgorithm> AlgorithmsOf(Pass pass) {
  std::lock_guard<std::mutex> lock(mutex);
  return algorithms[static_cast<int>(pass)];
}

template <typename Perf>
cudnnStatus_t Rank(Pass pass, bool measure, DnnConvolution* conv, int wanted,
                   int* count, Perf* perf) {
  std::vector<DnnAlgorithm> ranked = AlgorithmsOf(pass);
  if (measure) {
    cudaDeviceSynchronize();
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const DnnAlgorithm& a, const DnnAlgorithm& b) {
                       return a.ms < b.ms;
                     });
    std::lock_guard<std::mutex> lock(mutex);
    ++measurements;
  }
  *count = std::min<int>(wanted, ranked.size());
  for (int i = 0; i < *count; ++i) {
    const DnnAlgorithm& a = ranked[i];
    perf[i] = {};
    perf[i].algo = static_cast<decltype(perf[i].algo)>(a.algo);
    perf[i].status = a.status;
    perf[i].time = measure ? a.ms : -1;
    perf[i].memory = a.workspace;
    perf[i].determinism =
        a.deterministic ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC;
    perf[i].mathType = conv->math;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t WorkspaceOf(Pass pass, int algo, size_t* bytes) {
  for (const DnnAlgorithm& a : AlgorithmsOf(pass)) {
    if (a.algo != algo) continue;
    *bytes = a.workspace;
    return a.status;
  }
  return CUDNN_STATUS_NOT_SUPPORTED;
}

// A call with the workspace that its algorithm needs; notes it.
cudnnStatus_t Begin(Pass pass, int algo, const DnnConvolution& conv,
                    void* workspace, size_t bytes) {
  size_t needed = 0;
  const cudnnStatus_t status = WorkspaceOf(pass, algo, &needed);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  {
    std::lock_guard<std::mutex> lock(mutex);
    calls.push_back({pass, algo, conv.math, workspace, bytes});
  }
  const bool aligned = reinterpret_cast<uintptr_t>(workspace) % 16 == 0;
  return bytes >= needed && (needed == 0 || (workspace && aligned))
             ? CUDNN_STATUS_SUCCESS
             : CUDNN_STATUS_BAD_PARAM;
}

void Multiply(bool ta, bool tb, int m, int n, int k, const float* a,
              const float* b, float beta, float* c) {
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans,
              tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a, ta ? m : k, b,
              tb ? k : n, beta, c, n);
}
void Multiply(bool ta, bool tb, int m, int n, int k, const double* a,
              const double* b, double beta, double* c) {
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans,
              tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a, ta ? m : k, b,
              tb ? k : n, beta, c, n);
}

// Factors as the math type takes them.
template <typename T>
std::vector<T> Factors(const DnnConvolution& conv, const T* from, size_t n) {
  if constexpr (sizeof(T) == sizeof(float)) {
    if (conv.math != CUDNN_FMA_MATH) return cuda_on_cpu::Tf32(from, n);
  }
  return std::vector<T>(from, from + n);
}

// Visits (column, pixel) of an image's matrix of windows; pixel -1 is padding.
template <typename Visit>
void Windows(const DnnTensor& x, const DnnFilter& w, const DnnConvolution& conv,
             const DnnTensor& y, Visit visit) {
  size_t at = 0;
  for (int c = 0; c < x.c; ++c) {
    for (int kh = 0; kh < w.h; ++kh) {
      for (int kw = 0; kw < w.w; ++kw) {
        for (int oh = 0; oh < y.h; ++oh) {
          for (int ow = 0; ow < y.w; ++ow, ++at) {
            const int ih = oh * conv.stride_h - conv.pad_h + kh;
            const int iw = ow * conv.stride_w - conv.pad_w + kw;
            const bool in = ih >= 0 && ih < x.h && iw >= 0 && iw < x.w;
            visit(at, in ? (c * x.h + ih) * x.w + iw : -1);
          }
        }
      }
    }
  }
}

bool Fit(const DnnTensor& x, const DnnFilter& w, const DnnConvolution& conv,
         const DnnTensor& y) {
  return x.type == w.type && y.type == w.type && x.n == y.n && x.c == w.c &&
         y.c == w.k &&
         y.h == (x.h + 2 * conv.pad_h - w.h) / conv.stride_h + 1 &&
         y.w == (x.w + 2 * conv.pad_w - w.w) / conv.stride_w + 1;
}

// The shapes of a convolution, and its products.
template <typename T>
struct Product {
  DnnTensor x, y;
  DnnFilter w;
  DnnConvolution conv;
  T alpha, beta;

  int window() const { return w.c * w.h * w.w; }
  int places() const { return y.h * y.w; }
  size_t weights() const { return size_t(w.k) * window(); }
  std::vector<T> Columns(const T* image) const {
    const std::vector<T> pixels = Factors(conv, image, x.image());
    std::vector<T> columns(size_t(window()) * places());
    Windows(x, w, conv, y, [&](size_t at, int pixel) {
      columns[at] = pixel < 0 ? T(0) : pixels[pixel];
    });
    return columns;
  }

  void Forward(const T* in, const T* filter, T* out) const {
    UsesImages(x, in);
    Uses(filter, sizeof(T) * weights());
    if (beta != 0) UsesImages(y, out);
    if (!DefinesImages(y, out)) return;
    const std::vector<T> rows = Factors(conv, filter, weights());
    std::vector<T> product(y.image());
    for (int n = 0; n < x.n; ++n) {
      Multiply(false, false, w.k, places(), window(), rows.data(),
               Columns(in + size_t(n) * x.stride_n).data(), T(0),
               product.data());
      T* image = out + size_t(n) * y.stride_n;
      for (int i = 0; i < y.image(); ++i) {
        Blend(alpha, product[i], beta, image + i);
      }
    }
  }
  void BackwardFilter(const T* in, const T* out_diff, T* filter_diff) const {
    UsesImages(x, in);
    UsesImages(y, out_diff);
    if (beta != 0) Uses(filter_diff, sizeof(T) * weights());
    if (!Defines(filter_diff, sizeof(T) * weights())) return;
    std::vector<T> sum(weights());
    for (int n = 0; n < x.n; ++n) {
      const std::vector<T> diff =
          Factors(conv, out_diff + size_t(n) * y.stride_n, y.image());
      Multiply(false, true, w.k, window(), places(), diff.data(),
               Columns(in + size_t(n) * x.stride_n).data(), T(n > 0),
               sum.data());
    }
    for (size_t i = 0; i < sum.size(); ++i) {
      Blend(alpha, sum[i], beta, filter_diff + i);
    }
  }
  void BackwardData(const T* filter, const T* out_diff, T* in_diff) const {
    Uses(filter, sizeof(T) * weights());
    UsesImages(y, out_diff);
    if (beta != 0) UsesImages(x, in_diff);
    if (!DefinesImages(x, in_diff)) return;
    const std::vector<T> rows = Factors(conv, filter, weights());
    std::vector<T> columns(size_t(window()) * places());
    for (int n = 0; n < x.n; ++n) {
      const std::vector<T> diff =
          Factors(conv, out_diff + size_t(n) * y.stride_n, y.image());
      Multiply(true, false, window(), places(), w.k, rows.data(), diff.data(),
               T(0), columns.data());
      std::vector<T> image(x.image());
      Windows(x, w, conv, y, [&](size_t at, int pixel) {
        if (pixel >= 0) image[pixel] += columns[at];
      });
      T* there = in_diff + size_t(n) * x.stride_n;
      for (int i = 0; i < x.image(); ++i) {
        Blend(alpha, image[i], beta, there + i);
      }
    }
  }
};

// Checks a call and puts the product on its stream; the workspace is written,
// as an algorithm writes it.
template <typename T, typename Run>
cudnnStatus_t Submit(cudnnHandle_t handle, Pass pass, int algo,
                     const DnnTensor& x, const DnnFilter& w, const DnnTensor& y,
                     const DnnConvolution& conv, void* workspace, size_t bytes,
                     const void* alpha, const void* beta, Run run) {
  if (!Fit(x, w, conv, y)) return CUDNN_STATUS_BAD_PARAM;
  const cudnnStatus_t status = Begin(pass, algo, conv, workspace, bytes);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  const Product<T> product = {x,
                              y,
                              w,
                              conv,
                              *static_cast<const T*>(alpha),
                              *static_cast<const T*>(beta)};
  Enqueue(handle->stream, [=] {
    if (bytes == 0 || Defines(workspace, bytes)) run(product);
  });
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

namespace cuda_on_cpu {

void SetAlgorithms(Pass pass, const std::vector<DnnAlgorithm>& given) {
  const int number = static_cast<int>(pass);
  std::lock_guard<std::mutex> lock(mutex);
  algorithms[number] = given.empty() ? kAlgorithms[number] : given;
}
std::vector<ConvolutionCall> TakeConvolutionCalls() {
  std::lock_guard<std::mutex> lock(mutex);
  return std::exchange(calls, {});
}
int TakeMeasurements() {
  std::lock_guard<std::mutex> lock(mutex);
  return std::exchange(measurements, 0);
}

}  // namespace cuda_on_cpu

#define CUDA_ON_CPU_ALGORITHMS(KIND, X, Y, Z)                                \
  cudnnStatus_t cudnnGetConvolution##KIND##Algorithm_v7(                     \
      cudnnHandle_t, X, Y, cudnnConvolutionDescriptor_t conv, Z, int wanted, \
      int* count, CUDA_ON_CPU_PERF_##KIND* perf) {                           \
    return Rank(Pass::k##KIND, false, conv, wanted, count, perf);            \
  }                                                                          \
  cudnnStatus_t cudnnFindConvolution##KIND##Algorithm(                       \
      cudnnHandle_t, X, Y, cudnnConvolutionDescriptor_t conv, Z, int wanted, \
      int* count, CUDA_ON_CPU_PERF_##KIND* perf) {                           \
    return Rank(Pass::k##KIND, true, conv, wanted, count, perf);             \
  }                                                                          \
  cudnnStatus_t cudnnGetConvolution##KIND##WorkspaceSize(                    \
      cudnnHandle_t, X, Y, cudnnConvolutionDescriptor_t, Z,                  \
      CUDA_ON_CPU_ALGO_##KIND algo, size_t* bytes) {                         \
    return WorkspaceOf(Pass::k##KIND, algo, bytes);                          \
  }
CUDA_ON_CPU_ALGORITHMS(Forward, cudnnTensorDescriptor_t,
                       cudnnFilterDescriptor_t, cudnnTensorDescriptor_t)
CUDA_ON_CPU_ALGORITHMS(BackwardFilter, cudnnTensorDescriptor_t,
                       cudnnTensorDescriptor_t, cudnnFilterDescriptor_t)
CUDA_ON_CPU_ALGORITHMS(BackwardData, cudnnFilterDescriptor_t,
                       cudnnTensorDescriptor_t, cudnnTensorDescriptor_t)

// A device pointer of the type that the descriptor names.
#define IN(POINTER) static_cast<const T*>(POINTER)
#define OUT(POINTER) static_cast<T*>(POINTER)

cudnnStatus_t cudnnConvolutionForward(
    cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_desc,
    const void* x, cudnnFilterDescriptor_t w_desc, const void* w,
    cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algo,
    void* workspace, size_t bytes, const void* beta,
    cudnnTensorDescriptor_t y_desc, void* y){CUDA_ON_CPU_BY_TYPE(
    x_desc -> type, Submit<T>(handle, Pass::kForward, algo, *x_desc, *w_desc,
                              *y_desc, *conv, workspace, bytes, alpha, beta,
                              [=](const Product<T>& product) {
                                product.Forward(IN(x), IN(w), OUT(y));
                              }))} cudnnStatus_t
    cudnnConvolutionBackwardFilter(
        cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_desc,
        const void* x, cudnnTensorDescriptor_t dy_desc, const void* dy,
        cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdFilterAlgo_t algo,
        void* workspace, size_t bytes, const void* beta,
        cudnnFilterDescriptor_t dw_desc, void* dw){CUDA_ON_CPU_BY_TYPE(
        x_desc->type,
        Submit<T>(handle, Pass::kBackwardFilter, algo, *x_desc, *dw_desc,
                  *dy_desc, *conv, workspace, bytes, alpha, beta,
                  [=](const Product<T>& product) {
                    product.BackwardFilter(IN(x), IN(dy), OUT(dw));
                  }))} cudnnStatus_t
    cudnnConvolutionBackwardData(
        cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w_desc,
        const void* w, cudnnTensorDescriptor_t dy_desc, const void* dy,
        cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdDataAlgo_t algo,
        void* workspace, size_t bytes, const void* beta,
        cudnnTensorDescriptor_t dx_desc, void* dx) {
  CUDA_ON_CPU_BY_TYPE(
      w_desc->type, Submit<T>(handle, Pass::kBackwardData, algo, *dx_desc,
                              *w_desc, *dy_desc, *conv, workspace, bytes, alpha,
                              beta, [=](const Product<T>& product) {
                                product.BackwardData(IN(w), IN(dy), OUT(dx));
                              }))
}
