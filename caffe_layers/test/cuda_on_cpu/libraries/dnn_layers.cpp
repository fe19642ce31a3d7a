// cuDNN's layers without weights, and what it does with a bias.

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "cuda_on_cpu/dnn_testing.hpp"
#include "dnn.hpp"

using cuda_on_cpu::Blend;
using cuda_on_cpu::Defines;
using cuda_on_cpu::DefinesImages;
using cuda_on_cpu::DnnLrn;
using cuda_on_cpu::DnnPooling;
using cuda_on_cpu::DnnTensor;
using cuda_on_cpu::Enqueue;
using cuda_on_cpu::Uses;
using cuda_on_cpu::UsesImages;

namespace {

std::mutex mutex;
std::vector<cudnnPoolingMode_t> pooling_modes;

// One image of each tensor after the other: run(image of in[0], ..., of out),
// where run leaves its result in a vector, blended into out.
template <typename T, typename Run>
cudnnStatus_t Images(cudnnHandle_t handle, const void* alpha, const void* beta,
                     std::vector<std::pair<DnnTensor, const void*>> in,
                     const DnnTensor& out_desc, void* out, Run run) {
  const T a = *static_cast<const T*>(alpha), b = *static_cast<const T*>(beta);
  Enqueue(handle->stream, [=] {
    for (const auto& [desc, data] : in) {
      UsesImages(desc, static_cast<const T*>(data));
    }
    T* to = static_cast<T*>(out);
    if (b != 0) UsesImages(out_desc, to);
    if (!DefinesImages(out_desc, to)) return;
    std::vector<T> result(out_desc.image());
    for (int n = 0; n < out_desc.n; ++n) {
      std::vector<const T*> images;
      for (const auto& [desc, data] : in) {
        images.push_back(static_cast<const T*>(data) +
                         size_t(n) * desc.stride_n);
      }
      std::fill(result.begin(), result.end(), T(0));
      run(images, result.data());
      T* image = to + size_t(n) * out_desc.stride_n;
      for (size_t i = 0; i < result.size(); ++i) {
        Blend(a, result[i], b, image + i);
      }
    }
  });
  return CUDNN_STATUS_SUCCESS;
}

template <typename T>
cudnnStatus_t AddTensor(cudnnHandle_t handle, T alpha, const DnnTensor& a_desc,
                        const T* a, T beta, const DnnTensor& c_desc, T* c) {
  if (a_desc.n != 1 || a_desc.h != 1 || a_desc.w != 1 || a_desc.c != c_desc.c) {
    return CUDNN_STATUS_NOT_SUPPORTED;
  }
  Enqueue(handle->stream, [=] {
    Uses(a, sizeof(T) * a_desc.c);
    UsesImages(c_desc, c);
    if (!DefinesImages(c_desc, c)) return;
    const int plane = c_desc.h * c_desc.w;
    for (int n = 0; n < c_desc.n; ++n) {
      T* image = c + size_t(n) * c_desc.stride_n;
      for (int i = 0; i < c_desc.image(); ++i) {
        Blend(alpha, a[i / plane], beta, image + i);
      }
    }
  });
  return CUDNN_STATUS_SUCCESS;
}

template <typename T>
cudnnStatus_t BackwardBias(cudnnHandle_t handle, T alpha,
                           const DnnTensor& dy_desc, const T* dy, T beta,
                           T* db) {
  Enqueue(handle->stream, [=] {
    UsesImages(dy_desc, dy);
    if (beta != 0) Uses(db, sizeof(T) * dy_desc.c);
    if (!Defines(db, sizeof(T) * dy_desc.c)) return;
    const int plane = dy_desc.h * dy_desc.w;
    for (int c = 0; c < dy_desc.c; ++c) {
      double sum = 0;
      for (int n = 0; n < dy_desc.n; ++n) {
        const T* from = dy + size_t(n) * dy_desc.stride_n + c * plane;
        for (int i = 0; i < plane; ++i) sum += from[i];
      }
      Blend(alpha, static_cast<T>(sum), beta, db + c);
    }
  });
  return CUDNN_STATUS_SUCCESS;
}

// f(x), and f'(x) times dy, told by y.
double Activate(cudnnActivationMode_t mode, double x) {
  switch (mode) {
    case CUDNN_ACTIVATION_SIGMOID:
      return 1 / (1 + std::exp(-x));
    case CUDNN_ACTIVATION_RELU:
      return x > 0 || std::isnan(x) ? x : 0;
    case CUDNN_ACTIVATION_TANH:
      return std::tanh(x);
  }
  return x;
}
double Slope(cudnnActivationMode_t mode, double y) {
  switch (mode) {
    case CUDNN_ACTIVATION_SIGMOID:
      return y * (1 - y);
    case CUDNN_ACTIVATION_RELU:
      return y > 0;
    case CUDNN_ACTIVATION_TANH:
      return 1 - y * y;
  }
  return 1;
}

// Visits each window of one plane: its place and the pixels that it covers.
template <typename Visit>
void PoolWindows(const DnnPooling& pool, const DnnTensor& x, const DnnTensor& y,
                 Visit visit) {
  for (int c = 0; c < y.c; ++c) {
    for (int oh = 0; oh < y.h; ++oh) {
      for (int ow = 0; ow < y.w; ++ow) {
        const int top = oh * pool.stride_h - pool.pad_h;
        const int left = ow * pool.stride_w - pool.pad_w;
        std::vector<int> pixels;
        for (int h = std::max(top, 0); h < std::min(top + pool.h, x.h); ++h) {
          for (int w = std::max(left, 0); w < std::min(left + pool.w, x.w);
               ++w) {
            pixels.push_back((c * x.h + h) * x.w + w);
          }
        }
        visit((c * y.h + oh) * y.w + ow, pixels);
      }
    }
  }
}
template <typename T>
int Largest(const std::vector<int>& pixels, const T* x) {
  int best = pixels.front();
  for (int pixel : pixels) {
    if (x[pixel] > x[best] || std::isnan(x[pixel])) best = pixel;
    if (std::isnan(x[best])) break;
  }
  return best;
}
bool IsMax(const DnnPooling& pool) {
  return pool.mode != CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING;
}
void Note(cudnnPoolingMode_t mode) {
  std::lock_guard<std::mutex> lock(mutex);
  pooling_modes.push_back(mode);
}

// k + alpha / n * the sum of squares around channel c.
template <typename T>
double LrnScale(const DnnLrn& lrn, const DnnTensor& x, const T* image, int c,
                int place) {
  const int plane = x.h * x.w;
  const int first = c - (lrn.n - 1) / 2;
  double sum = 0;
  for (int i = std::max(first, 0); i < std::min(first + lrn.n, x.c); ++i) {
    const double v = image[i * plane + place];
    sum += v * v;
  }
  return lrn.k + lrn.alpha / lrn.n * sum;
}

}  // namespace

namespace cuda_on_cpu {

std::vector<cudnnPoolingMode_t> TakePoolingModes() {
  std::lock_guard<std::mutex> lock(mutex);
  return std::exchange(pooling_modes, {});
}

}  // namespace cuda_on_cpu

#define IN(POINTER) static_cast<const T*>(POINTER)
#define OUT(POINTER) static_cast<T*>(POINTER)
#define ONE(POINTER) (*static_cast<const T*>(POINTER))

cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void* alpha,
                             cudnnTensorDescriptor_t a_desc, const void* a,
                             const void* beta, cudnnTensorDescriptor_t c_desc,
                             void* c){
    CUDA_ON_CPU_BY_TYPE(c_desc -> type,
                        AddTensor<T>(handle, ONE(alpha), *a_desc, IN(a),
                                     ONE(beta), *c_desc, OUT(c)))} cudnnStatus_t
    cudnnConvolutionBackwardBias(cudnnHandle_t handle, const void* alpha,
                                 cudnnTensorDescriptor_t dy_desc,
                                 const void* dy, const void* beta,
                                 cudnnTensorDescriptor_t db_desc, void* db) {
  if (db_desc->c != dy_desc->c) return CUDNN_STATUS_BAD_PARAM;
  CUDA_ON_CPU_BY_TYPE(
      dy_desc->type,
      BackwardBias<T>(handle, ONE(alpha), *dy_desc, IN(dy), ONE(beta), OUT(db)))
}

cudnnStatus_t cudnnActivationForward(cudnnHandle_t handle,
                                     cudnnActivationDescriptor_t activation,
                                     const void* alpha,
                                     cudnnTensorDescriptor_t x_desc,
                                     const void* x, const void* beta,
                                     cudnnTensorDescriptor_t y_desc, void* y) {
  if (!x_desc->SameSize(*y_desc)) return CUDNN_STATUS_BAD_PARAM;
  const auto mode = activation->mode;
  const int count = x_desc->image();
  CUDA_ON_CPU_BY_TYPE(
      x_desc->type, Images<T>(handle, alpha, beta, {{*x_desc, x}}, *y_desc, y,
                              [=](const std::vector<const T*>& in, T* result) {
                                for (int i = 0; i < count; ++i) {
                                  result[i] = Activate(mode, in[0][i]);
                                }
                              }))
}
cudnnStatus_t cudnnActivationBackward(
    cudnnHandle_t handle, cudnnActivationDescriptor_t activation,
    const void* alpha, cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx) {
  if (!x_desc->SameSize(*y_desc)) return CUDNN_STATUS_BAD_PARAM;
  const auto mode = activation->mode;
  const int count = x_desc->image();
  CUDA_ON_CPU_BY_TYPE(
      x_desc->type,
      Images<T>(handle, alpha, beta,
                {{*y_desc, y}, {*dy_desc, dy}, {*x_desc, x}}, *dx_desc, dx,
                [=](const std::vector<const T*>& in, T* result) {
                  for (int i = 0; i < count; ++i) {
                    result[i] = Slope(mode, in[0][i]) * in[1][i];
                  }
                }))
}

cudnnStatus_t cudnnPoolingForward(cudnnHandle_t handle,
                                  cudnnPoolingDescriptor_t pooling,
                                  const void* alpha,
                                  cudnnTensorDescriptor_t x_desc, const void* x,
                                  const void* beta,
                                  cudnnTensorDescriptor_t y_desc, void* y) {
  const DnnPooling pool = *pooling;
  const DnnTensor from = *x_desc, to = *y_desc;
  Note(pool.mode);
  CUDA_ON_CPU_BY_TYPE(
      x_desc->type,
      Images<T>(handle, alpha, beta, {{from, x}}, to, y,
                [=](const std::vector<const T*>& in, T* result) {
                  PoolWindows(pool, from, to,
                              [&](int at, const std::vector<int>& pixels) {
                                if (IsMax(pool)) {
                                  result[at] = in[0][Largest(pixels, in[0])];
                                  return;
                                }
                                double sum = 0;
                                for (int pixel : pixels) sum += in[0][pixel];
                                result[at] = sum / (pool.h * pool.w);
                              });
                }))
}
cudnnStatus_t cudnnPoolingBackward(
    cudnnHandle_t handle, cudnnPoolingDescriptor_t pooling, const void* alpha,
    cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx) {
  const DnnPooling pool = *pooling;
  const DnnTensor from = *x_desc, to = *y_desc;
  Note(pool.mode);
  CUDA_ON_CPU_BY_TYPE(
      x_desc->type,
      Images<T>(handle, alpha, beta, {{to, y}, {*dy_desc, dy}, {from, x}},
                *dx_desc, dx, [=](const std::vector<const T*>& in, T* result) {
                  PoolWindows(pool, from, to,
                              [&](int at, const std::vector<int>& pixels) {
                                if (IsMax(pool)) {
                                  result[Largest(pixels, in[2])] += in[1][at];
                                  return;
                                }
                                for (int pixel : pixels) {
                                  result[pixel] +=
                                      in[1][at] / (pool.h * pool.w);
                                }
                              });
                }))
}

cudnnStatus_t cudnnLRNCrossChannelForward(
    cudnnHandle_t handle, cudnnLRNDescriptor_t descriptor, cudnnLRNMode_t,
    const void* alpha, cudnnTensorDescriptor_t x_desc, const void* x,
    const void* beta, cudnnTensorDescriptor_t y_desc, void* y) {
  const DnnLrn lrn = *descriptor;
  const DnnTensor from = *x_desc;
  const int plane = from.h * from.w;
  CUDA_ON_CPU_BY_TYPE(
      from.type, Images<T>(handle, alpha, beta, {{from, x}}, *y_desc, y,
                           [=](const std::vector<const T*>& in, T* result) {
                             for (int i = 0; i < from.image(); ++i) {
                               const double scale = LrnScale(
                                   lrn, from, in[0], i / plane, i % plane);
                               result[i] =
                                   in[0][i] * std::pow(scale, -lrn.beta);
                             }
                           }))
}
cudnnStatus_t cudnnLRNCrossChannelBackward(
    cudnnHandle_t handle, cudnnLRNDescriptor_t descriptor, cudnnLRNMode_t,
    const void* alpha, cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy,
    cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx) {
  const DnnLrn lrn = *descriptor;
  const DnnTensor from = *x_desc;
  const int plane = from.h * from.w;
  CUDA_ON_CPU_BY_TYPE(
      from.type,
      Images<T>(handle, alpha, beta, {{*y_desc, y}, {*dy_desc, dy}, {from, x}},
                *dx_desc, dx, [=](const std::vector<const T*>& in, T* result) {
                  for (int i = 0; i < from.image(); ++i) {
                    const int c = i / plane, place = i % plane;
                    const double own = LrnScale(lrn, from, in[2], c, place);
                    double sum = 0;  // over the channels whose window holds c
                    const int first = c - lrn.n + 1 + (lrn.n - 1) / 2;
                    for (int j = std::max(first, 0);
                         j < std::min(first + lrn.n, from.c); ++j) {
                      const int at = j * plane + place;
                      sum += in[1][at] * in[0][at] /
                             LrnScale(lrn, from, in[2], j, place);
                    }
                    result[i] =
                        in[1][i] * std::pow(own, -lrn.beta) -
                        2 * lrn.alpha * lrn.beta / lrn.n * in[2][i] * sum;
                  }
                }))
}

cudnnStatus_t cudnnDivisiveNormalizationForward(
    cudnnHandle_t, cudnnLRNDescriptor_t, cudnnDivNormMode_t, const void*,
    cudnnTensorDescriptor_t, const void*, const void*, void*, void*,
    const void*, cudnnTensorDescriptor_t, void*) {
  return CUDNN_STATUS_NOT_SUPPORTED;
}
cudnnStatus_t cudnnDivisiveNormalizationBackward(
    cudnnHandle_t, cudnnLRNDescriptor_t, cudnnDivNormMode_t, const void*,
    cudnnTensorDescriptor_t, const void*, const void*, const void*, void*,
    void*, const void*, cudnnTensorDescriptor_t, void*, void*) {
  return CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t,
                                  cudnnSoftmaxMode_t, const void* alpha,
                                  cudnnTensorDescriptor_t x_desc, const void* x,
                                  const void* beta,
                                  cudnnTensorDescriptor_t y_desc, void* y) {
  const DnnTensor from = *x_desc;
  const int plane = from.h * from.w;
  CUDA_ON_CPU_BY_TYPE(
      from.type,
      Images<T>(handle, alpha, beta, {{from, x}}, *y_desc, y,
                [=](const std::vector<const T*>& in, T* result) {
                  for (int place = 0; place < plane; ++place) {
                    double most = -std::numeric_limits<double>::infinity();
                    for (int i = place; i < from.image(); i += plane) {
                      most = std::max<double>(most, in[0][i]);
                    }
                    double sum = 0;
                    for (int i = place; i < from.image(); i += plane) {
                      sum += std::exp(in[0][i] - most);
                    }
                    for (int i = place; i < from.image(); i += plane) {
                      result[i] = std::exp(in[0][i] - most) / sum;
                    }
                  }
                }))
}
cudnnStatus_t cudnnSoftmaxBackward(
    cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t, cudnnSoftmaxMode_t,
    const void* alpha, cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx) {
  const DnnTensor from = *y_desc;
  const int plane = from.h * from.w;
  CUDA_ON_CPU_BY_TYPE(
      from.type,
      Images<T>(handle, alpha, beta, {{from, y}, {*dy_desc, dy}}, *dx_desc, dx,
                [=](const std::vector<const T*>& in, T* result) {
                  for (int place = 0; place < plane; ++place) {
                    double dot = 0;
                    for (int i = place; i < from.image(); i += plane) {
                      dot += double(in[0][i]) * in[1][i];
                    }
                    for (int i = place; i < from.image(); i += plane) {
                      result[i] = in[0][i] * (in[1][i] - dot);
                    }
                  }
                }))
}
