// The part of cuBLAS that Caffe calls, by CBLAS.
#ifndef CUDA_ON_CPU_CUBLAS_V2_H_
#define CUDA_ON_CPU_CUBLAS_V2_H_
#include "cuda_runtime.h"

namespace cuda_on_cpu {
struct Blas;
}
typedef cuda_on_cpu::Blas* cublasHandle_t;
enum cublasStatus_t {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_ARCH_MISMATCH = 8,
  CUBLAS_STATUS_MAPPING_ERROR = 11,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_INTERNAL_ERROR = 14,
  CUBLAS_STATUS_NOT_SUPPORTED = 15,
  CUBLAS_STATUS_LICENSE_ERROR = 16,
};
enum cublasMath_t {
  CUBLAS_DEFAULT_MATH = 0,
  CUBLAS_PEDANTIC_MATH = 2,
  CUBLAS_TF32_TENSOR_OP_MATH = 3,
};
enum cublasPointerMode_t {
  CUBLAS_POINTER_MODE_HOST = 0,
  CUBLAS_POINTER_MODE_DEVICE = 1,
};
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C };

cublasStatus_t cublasCreate(cublasHandle_t* handle);
cublasStatus_t cublasDestroy(cublasHandle_t handle);
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream);
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math);
cublasStatus_t cublasSetPointerMode(cublasHandle_t handle,
                                    cublasPointerMode_t pointers);
cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t* stream);

#define CUDA_ON_CPU_BLAS(S, T)                                                \
  cublasStatus_t cublas##S##gemm(                                             \
      cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n,     \
      int k, const T* alpha, const T* a, int lda, const T* b, int ldb,        \
      const T* beta, T* c, int ldc);                                          \
  cublasStatus_t cublas##S##gemv(cublasHandle_t, cublasOperation_t, int m,    \
                                 int n, const T* alpha, const T* a, int lda,  \
                                 const T* x, int incx, const T* beta, T* y,   \
                                 int incy);                                   \
  cublasStatus_t cublas##S##axpy(cublasHandle_t, int n, const T* alpha,       \
                                 const T* x, int incx, T* y, int incy);       \
  cublasStatus_t cublas##S##copy(cublasHandle_t, int n, const T* x, int incx, \
                                 T* y, int incy);                             \
  cublasStatus_t cublas##S##scal(cublasHandle_t, int n, const T* alpha, T* x, \
                                 int incx);                                   \
  cublasStatus_t cublas##S##dot(cublasHandle_t, int n, const T* x, int incx,  \
                                const T* y, int incy, T* result);             \
  cublasStatus_t cublas##S##asum(cublasHandle_t, int n, const T* x, int incx, \
                                 T* result);
CUDA_ON_CPU_BLAS(S, float)
CUDA_ON_CPU_BLAS(D, double)
#undef CUDA_ON_CPU_BLAS
#endif  // CUDA_ON_CPU_CUBLAS_V2_H_
