#ifndef DRDL_PREFETCH_RING_HPP_
#define DRDL_PREFETCH_RING_HPP_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace drdl {

/// So many threads each where this many work side by side on the processors of
/// one machine (0: unknown); at least one.
int ThreadsOfEach(unsigned processors, int workers);

/**
 * @brief Makes numbered batches ahead of their use, item by item, on threads.
 *
 * Batch `step` is made in buffer `step % buffers`. Threads take single items,
 * so one batch already uses all of them; batches are handed over in order, and
 * what is in a batch depends on its number alone.
 */
class PrefetchRing {
 public:
  struct Work {
    /// Before a batch's first item; calls never overlap.
    std::function<void(uint64_t step, int buffer)> begin;
    /// Once for each item, from many threads at once.
    std::function<void(uint64_t step, int buffer, int item)> item;
    /// After a batch's last item, on one of the threads.
    std::function<void(int buffer)> end;
  };

  /// Starts making batches from `first` on.
  PrefetchRing(int threads, int buffers, int items, uint64_t first,
               const Work& work);
  ~PrefetchRing();

  /**
   * @brief Waits for batch `step` and returns its buffer, which stays as it is
   *        until the next Take.
   *
   * Any step may be asked for: if it is not the one after the last, everything
   * made ahead is thrown away. What a thread threw over a batch is thrown again
   * by the Take of that batch, not before.
   */
  int Take(uint64_t step);

 private:
  PrefetchRing(const PrefetchRing&) = delete;
  PrefetchRing& operator=(const PrefetchRing&) = delete;

  struct Buffer {
    uint64_t step;
    int done;
    bool ready;
  };

  void Run();
  void RestartAt(uint64_t step, std::unique_lock<std::mutex>* lock);
  bool CanStart() const;

  const int items_;
  const Work work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Buffer> buffers_;
  // All below under mutex_.
  uint64_t making_;    // the batch whose items are being handed out
  int next_item_;      // of that batch
  uint64_t in_use_;    // the oldest batch whose buffer must stay as it is
  uint64_t expected_;  // the batch that the next Take should ask for
  int busy_;           // items in work
  bool paused_, stopped_;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace drdl

#endif  // DRDL_PREFETCH_RING_HPP_
