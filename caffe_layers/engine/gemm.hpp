#ifndef DRDL_ENGINE_GEMM_HPP_
#define DRDL_ENGINE_GEMM_HPP_

#include <cblas.h>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace drdl {
namespace engine {

/// c = a b + beta c, row by row; lda, ldb and ldc are the lengths of rows as
/// they are stored.
inline void Gemm(bool turn_a, bool turn_b, int m, int n, int k, const float* a,
                 int lda, const float* b, int ldb, float beta, float* c,
                 int ldc) {
  cblas_sgemm(CblasRowMajor, turn_a ? CblasTrans : CblasNoTrans,
              turn_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, lda, b, ldb,
              beta, c, ldc);
}
inline void Gemm(bool turn_a, bool turn_b, int m, int n, int k, const double* a,
                 int lda, const double* b, int ldb, double beta, double* c,
                 int ldc) {
  cblas_dgemm(CblasRowMajor, turn_a ? CblasTrans : CblasNoTrans,
              turn_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, lda, b, ldb,
              beta, c, ldc);
}

/// Memory that a thread uses again and again; one for each name and type.
template <typename Dtype, int kName>
Dtype* Scratch(int64_t count) {
  struct Memory {
    Dtype* data = nullptr;
    int64_t size = 0;
    ~Memory() { std::free(data); }
  };
  static thread_local Memory memory;
  if (memory.size < count) {
    std::free(memory.data);
    memory.data = nullptr;
    memory.size = 0;
    void* data = nullptr;
    if (posix_memalign(&data, 64, count * sizeof(Dtype)) != 0) {
      throw std::bad_alloc();
    }
    memory.data = static_cast<Dtype*>(data);
    memory.size = count;
  }
  return memory.data;
}

}  // namespace engine
}  // namespace drdl

#endif  // DRDL_ENGINE_GEMM_HPP_
