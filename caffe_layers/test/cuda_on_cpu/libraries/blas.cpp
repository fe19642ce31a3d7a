// The part of cuBLAS that Caffe calls, by CBLAS.

#include <cblas.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "cublas_v2.h"
#include "cuda_on_cpu/testing.hpp"
#include "device.hpp"
#include "tf32.hpp"

namespace cuda_on_cpu {
struct Blas {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
};
static std::atomic<cublasMath_t> last_math{CUBLAS_DEFAULT_MATH};
cublasMath_t MathOfLastProduct() { return last_math; }
}  // namespace cuda_on_cpu

namespace {

using cuda_on_cpu::Defines;
using cuda_on_cpu::Enqueue;
using cuda_on_cpu::Uses;

template <typename T>
struct Cblas;
template <>
struct Cblas<float> {
  static constexpr auto gemm = cblas_sgemm;
  static constexpr auto gemv = cblas_sgemv;
  static constexpr auto axpy = cblas_saxpy;
  static constexpr auto copy = cblas_scopy;
  static constexpr auto scal = cblas_sscal;
  static constexpr auto dot = cblas_sdot;
  static constexpr auto asum = cblas_sasum;
};
template <>
struct Cblas<double> {
  static constexpr auto gemm = cblas_dgemm;
  static constexpr auto gemv = cblas_dgemv;
  static constexpr auto axpy = cblas_daxpy;
  static constexpr auto copy = cblas_dcopy;
  static constexpr auto scal = cblas_dscal;
  static constexpr auto dot = cblas_ddot;
  static constexpr auto asum = cblas_dasum;
};

CBLAS_TRANSPOSE Transpose(cublasOperation_t op) {
  return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
}

// From the first to the last number of a column-major matrix.
template <typename T>
size_t MatrixBytes(int rows, int columns, int ld) {
  if (rows <= 0 || columns <= 0) return 0;
  return sizeof(T) * (static_cast<size_t>(columns - 1) * ld + rows);
}
// From the first to the last number of a vector.
template <typename T>
size_t VectorBytes(int n, int inc) {
  return MatrixBytes<T>(1, n, inc < 0 ? -inc : inc);
}

// Factors as the math mode takes them.
template <typename T>
struct Factors {
  const T* data;
  std::vector<float> rounded;
  Factors(cublasMath_t math, const T* from, size_t bytes) : data(from) {
    if constexpr (sizeof(T) == sizeof(float)) {
      if (math != CUBLAS_TF32_TENSOR_OP_MATH) return;
      rounded = cuda_on_cpu::Tf32(from, bytes / sizeof(float));
      data = rounded.data();
    }
  }
};

// A sum goes to the host, who waits for it, or to the device.
template <typename T, typename Sum>
cublasStatus_t Result(cublasHandle_t handle, T* result, Sum sum) {
  const bool on_device = handle->pointers == CUBLAS_POINTER_MODE_DEVICE;
  Enqueue(handle->stream, [=] {
    const T value = sum();
    if (!on_device || Defines(result, sizeof(T))) *result = value;
  });
  if (!on_device) cuda_on_cpu::HostWait(handle->stream);
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t Gemm(cublasHandle_t handle, cublasOperation_t ta,
                    cublasOperation_t tb, int m, int n, int k, const T* alpha,
                    const T* a, int lda, const T* b, int ldb, const T* beta,
                    T* c, int ldc) {
  const bool plain_a = ta == CUBLAS_OP_N, plain_b = tb == CUBLAS_OP_N;
  if (m < 0 || n < 0 || k < 0 || lda < std::max(1, plain_a ? m : k) ||
      ldb < std::max(1, plain_b ? k : n) || ldc < std::max(1, m)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const cublasMath_t math = handle->math;
  cuda_on_cpu::last_math = math;
  Enqueue(handle->stream, [=, alpha = *alpha, beta = *beta] {
    if (m == 0 || n == 0) return;
    if (alpha != 0) {
      Uses(a, MatrixBytes<T>(plain_a ? m : k, plain_a ? k : m, lda));
      Uses(b, MatrixBytes<T>(plain_b ? k : n, plain_b ? n : k, ldb));
    }
    if (beta != 0) Uses(c, MatrixBytes<T>(m, n, ldc));
    if (!Defines(c, MatrixBytes<T>(m, n, ldc))) return;
    const Factors<T> fa(math, a,
                        MatrixBytes<T>(plain_a ? m : k, plain_a ? k : m, lda));
    const Factors<T> fb(math, b,
                        MatrixBytes<T>(plain_b ? k : n, plain_b ? n : k, ldb));
    Cblas<T>::gemm(CblasColMajor, Transpose(ta), Transpose(tb), m, n, k, alpha,
                   fa.data, lda, fb.data, ldb, beta, c, ldc);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t Gemv(cublasHandle_t handle, cublasOperation_t t, int m, int n,
                    const T* alpha, const T* a, int lda, const T* x, int incx,
                    const T* beta, T* y, int incy) {
  if (m < 0 || n < 0 || lda < std::max(1, m) || incx == 0 || incy == 0) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const bool plain = t == CUBLAS_OP_N;
  Enqueue(handle->stream, [=, alpha = *alpha, beta = *beta] {
    const size_t y_bytes = VectorBytes<T>(plain ? m : n, incy);
    Uses(a, MatrixBytes<T>(m, n, lda));
    Uses(x, VectorBytes<T>(plain ? n : m, incx));
    if (beta != 0) Uses(y, y_bytes);
    if (!Defines(y, y_bytes)) return;
    Cblas<T>::gemv(CblasColMajor, Transpose(t), m, n, alpha, a, lda, x, incx,
                   beta, y, incy);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t Axpy(cublasHandle_t handle, int n, const T* alpha, const T* x,
                    int incx, T* y, int incy) {
  Enqueue(handle->stream, [=, alpha = *alpha] {
    Uses(x, VectorBytes<T>(n, incx));
    Uses(y, VectorBytes<T>(n, incy));
    Cblas<T>::axpy(n, alpha, x, incx, y, incy);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t CopyVector(cublasHandle_t handle, int n, const T* x, int incx,
                          T* y, int incy) {
  Enqueue(handle->stream, [=] {
    Uses(x, VectorBytes<T>(n, incx));
    if (!Defines(y, VectorBytes<T>(n, incy))) return;
    Cblas<T>::copy(n, x, incx, y, incy);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t Scal(cublasHandle_t handle, int n, const T* alpha, T* x,
                    int incx) {
  Enqueue(handle->stream, [=, alpha = *alpha] {
    Uses(x, VectorBytes<T>(n, incx));
    Cblas<T>::scal(n, alpha, x, incx);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t Dot(cublasHandle_t handle, int n, const T* x, int incx,
                   const T* y, int incy, T* result) {
  return Result(handle, result, [=] {
    Uses(x, VectorBytes<T>(n, incx));
    Uses(y, VectorBytes<T>(n, incy));
    return Cblas<T>::dot(n, x, incx, y, incy);
  });
}

template <typename T>
cublasStatus_t Asum(cublasHandle_t handle, int n, const T* x, int incx,
                    T* result) {
  return Result(handle, result, [=] {
    Uses(x, VectorBytes<T>(n, incx));
    return Cblas<T>::asum(n, x, incx);
  });
}

}  // namespace

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = new cuda_on_cpu::Blas;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math) {
  handle->math = math;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetPointerMode(cublasHandle_t handle,
                                    cublasPointerMode_t pointers) {
  handle->pointers = pointers;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t* stream) {
  *stream = handle->stream;
  return CUBLAS_STATUS_SUCCESS;
}

#define CUDA_ON_CPU_BLAS(S, T)                                                 \
  cublasStatus_t cublas##S##gemm(                                              \
      cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,       \
      int m, int n, int k, const T* alpha, const T* a, int lda, const T* b,    \
      int ldb, const T* beta, T* c, int ldc) {                                 \
    return Gemm(handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc); \
  }                                                                            \
  cublasStatus_t cublas##S##gemv(cublasHandle_t handle, cublasOperation_t t,   \
                                 int m, int n, const T* alpha, const T* a,     \
                                 int lda, const T* x, int incx, const T* beta, \
                                 T* y, int incy) {                             \
    return Gemv(handle, t, m, n, alpha, a, lda, x, incx, beta, y, incy);       \
  }                                                                            \
  cublasStatus_t cublas##S##axpy(cublasHandle_t handle, int n, const T* alpha, \
                                 const T* x, int incx, T* y, int incy) {       \
    return Axpy(handle, n, alpha, x, incx, y, incy);                           \
  }                                                                            \
  cublasStatus_t cublas##S##copy(cublasHandle_t handle, int n, const T* x,     \
                                 int incx, T* y, int incy) {                   \
    return CopyVector(handle, n, x, incx, y, incy);                            \
  }                                                                            \
  cublasStatus_t cublas##S##scal(cublasHandle_t handle, int n, const T* alpha, \
                                 T* x, int incx) {                             \
    return Scal(handle, n, alpha, x, incx);                                    \
  }                                                                            \
  cublasStatus_t cublas##S##dot(cublasHandle_t handle, int n, const T* x,      \
                                int incx, const T* y, int incy, T* result) {   \
    return Dot(handle, n, x, incx, y, incy, result);                           \
  }                                                                            \
  cublasStatus_t cublas##S##asum(cublasHandle_t handle, int n, const T* x,     \
                                 int incx, T* result) {                        \
    return Asum(handle, n, x, incx, result);                                   \
  }
CUDA_ON_CPU_BLAS(S, float)
CUDA_ON_CPU_BLAS(D, double)
