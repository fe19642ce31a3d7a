#include "drdl/engine/parallel.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

// OpenBLAS's own; another BLAS has none, and is told by its environment only.
extern "C" {
void openblas_set_num_threads(int threads) __attribute__((weak));
int openblas_get_num_threads() __attribute__((weak));
}

namespace drdl {
namespace engine {

namespace {

const int kMost = 1024;  // threads; more is a slip

/// The number that a variable starts with; 0 where it cannot be one of threads.
int FromEnvironment(const char* name) {
  const char* text = std::getenv(name);
  const long number = text ? std::strtol(text, nullptr, 10) : 0;
  return number > 0 && number <= kMost ? static_cast<int>(number) : 0;
}

int Processors() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    return std::max(1, CPU_COUNT(&allowed));
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

int DefaultThreads() {
  for (const char* name : {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}) {
    if (const int threads = FromEnvironment(name); threads > 0) return threads;
  }
  return Processors();
}

std::atomic<int>& ThreadsWanted() {
  static std::atomic<int> threads(DefaultThreads());
  return threads;
}

/// BLAS calls take one thread while anybody asks for it.
class BlasThreads {
 public:
  void One() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (askers_++ > 0 || !openblas_get_num_threads ||
        !openblas_set_num_threads) {
      return;
    }
    before_ = openblas_get_num_threads();
    if (before_ > 1) openblas_set_num_threads(1);
  }
  void Back() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (--askers_ == 0 && before_ > 1) openblas_set_num_threads(before_);
  }

 private:
  std::mutex mutex_;
  int askers_ = 0, before_ = 1;
};

/// Threads that wait for work. They are started as they are needed, and end
/// with the process; a forked child starts its own.
class Pool {
 public:
  static Pool& Get() {
    static Pool* pool = [] {
      pthread_atfork(nullptr, nullptr, [] { Instance() = new Pool; });
      return Instance() = new Pool;
    }();
    (void)pool;
    return *Instance();
  }

  /// False where another thread is using it.
  bool Run(int count, int threads, const std::function<void(int)>& body) {
    std::unique_lock<std::mutex> alone(busy_, std::try_to_lock);
    if (!alone.owns_lock()) return false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      count_ = count;
      next_ = 0;
      error_ = nullptr;
      waiting_for_ = wanted_ = Start(std::min(threads, count) - 1);
      ++turn_;
    }
    begin_.notify_all();
    Take();
    std::unique_lock<std::mutex> lock(mutex_);
    waiting_for_ -= wanted_;  // who has not come yet is not waited for
    wanted_ = 0;
    end_.wait(lock, [this] { return waiting_for_ == 0; });
    body_ = nullptr;
    if (error_) std::rethrow_exception(error_);
    return true;
  }

  BlasThreads& blas() { return blas_; }

  /// Whether this thread is at work for a Parallel.
  static bool& Inside() {
    static thread_local bool inside = false;
    return inside;
  }

 private:
  /// How many there are, of so many: where the system gives no more, those that
  /// it gave are enough.
  int Start(int wanted) {
    try {
      while (static_cast<int>(threads_.size()) < wanted) {
        threads_.emplace_back(&Pool::Work, this);
        threads_.back().detach();
      }
    } catch (const std::system_error&) {
    }
    return std::min(wanted, static_cast<int>(threads_.size()));
  }

  static Pool*& Instance() {
    static Pool* instance = nullptr;
    return instance;
  }

  void Work() {
    long seen = 0;
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        begin_.wait(lock, [&] { return turn_ != seen && wanted_ > 0; });
        seen = turn_;
        --wanted_;
      }
      Take();
      std::lock_guard<std::mutex> lock(mutex_);
      if (--waiting_for_ == 0) end_.notify_one();
    }
  }

  void Take() {
    Inside() = true;
    for (int i = next_++; i < count_; i = next_++) {
      try {
        (*body_)(i);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
        next_ = count_;
      }
    }
    Inside() = false;
  }

  BlasThreads blas_;
  std::mutex busy_, mutex_;
  std::condition_variable begin_, end_;
  std::vector<std::thread> threads_;
  const std::function<void(int)>* body_ = nullptr;
  int count_ = 0, wanted_ = 0, waiting_for_ = 0;
  long turn_ = 0;
  std::atomic<int> next_{0};
  std::exception_ptr error_;
};

}  // namespace

OneBlasThread::OneBlasThread() { Pool::Get().blas().One(); }
OneBlasThread::~OneBlasThread() { Pool::Get().blas().Back(); }

int Threads() { return ThreadsWanted(); }

void SetThreads(int threads) { ThreadsWanted() = std::max(1, threads); }

void Parallel(int count, const std::function<void(int)>& body) {
  if (Pool::Inside()) {
    for (int i = 0; i < count; ++i) body(i);
    return;
  }
  const OneBlasThread one;
  const int threads = Threads();
  if (count > 1 && threads > 1 && Pool::Get().Run(count, threads, body)) {
    return;
  }
  for (int i = 0; i < count; ++i) body(i);
}

void ParallelSlices(int size, int grain,
                    const std::function<void(int, int)>& body) {
  Parallel((size + grain - 1) / grain, [&](int slice) {
    body(slice * grain, std::min(size, (slice + 1) * grain));
  });
}

}  // namespace engine
}  // namespace drdl
