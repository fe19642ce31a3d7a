#ifndef DRDL_ENGINE_PARALLEL_HPP_
#define DRDL_ENGINE_PARALLEL_HPP_

#include <functional>

namespace drdl {
namespace engine {

/// The threads that the CPU engine works on: OPENBLAS_NUM_THREADS, else
/// OMP_NUM_THREADS, else one for each processor that this process may use.
int Threads();

/// Another number of threads, from now on; for tests and benchmarks.
void SetThreads(int threads);

/// Calls body(i) once for each i in [0, count), on Threads() threads, of which
/// the caller's is one. BLAS calls inside take one thread each.
///
/// Which thread takes which i is not fixed: a body may write nothing that
/// another one reads or writes. What the first body to fail throws is thrown
/// here, when all that had begun have ended. A body's own Parallel, and one
/// beside another thread's, runs on the caller's thread alone.
void Parallel(int count, const std::function<void(int)>& body);

/// The same over [0, size) cut into slices of `grain` or less, whose number and
/// borders do not depend on the threads.
void ParallelSlices(int size, int grain,
                    const std::function<void(int, int)>& body);

/// While one lives, BLAS calls take one thread: sums of a long vector have another
/// order on two.
class OneBlasThread {
 public:
  OneBlasThread();
  ~OneBlasThread();
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
};

}  // namespace engine
}  // namespace drdl

#endif  // DRDL_ENGINE_PARALLEL_HPP_
