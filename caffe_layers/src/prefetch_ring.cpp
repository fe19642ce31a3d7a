#include "drdl/prefetch_ring.hpp"

#include <algorithm>

namespace drdl {

int ThreadsOfEach(unsigned processors, int workers) {
  return std::max(1, static_cast<int>(processors) / std::max(1, workers));
}

PrefetchRing::PrefetchRing(int threads, int buffers, int items, uint64_t first,
                           const Work& work)
    : items_(items),
      work_(work),
      buffers_(buffers, Buffer{0, 0, false}),
      making_(first),
      next_item_(0),
      in_use_(first),
      expected_(first),
      busy_(0),
      paused_(false),
      stopped_(false) {
  for (int t = 0; t < threads; ++t) {
    threads_.emplace_back(&PrefetchRing::Run, this);
  }
}

PrefetchRing::~PrefetchRing() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool PrefetchRing::CanStart() const {
  return !paused_ && !error_ && making_ < in_use_ + buffers_.size();
}

void PrefetchRing::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopped_ || CanStart(); });
    if (stopped_) return;
    const uint64_t step = making_;
    const int number = step % buffers_.size();
    Buffer* buffer = &buffers_[number];
    const int item = next_item_;
    bool whole = false;
    ++busy_;
    try {
      if (item == 0) {
        *buffer = Buffer{step, 0, false};
        work_.begin(step, number);
      }
      if (++next_item_ == items_) {
        next_item_ = 0;
        ++making_;
      }
      lock.unlock();
      work_.item(step, number, item);
      lock.lock();
      if (++buffer->done == items_) {
        lock.unlock();
        work_.end(number);
        lock.lock();
        buffer->ready = whole = true;
      }
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      if (!error_) error_ = std::current_exception();
    }
    --busy_;
    // Nobody waits for a single item; waking them at each took 3% of the time.
    if (whole || ((paused_ || error_) && busy_ == 0)) changed_.notify_all();
  }
}

void PrefetchRing::RestartAt(uint64_t step,
                             std::unique_lock<std::mutex>* lock) {
  paused_ = true;
  changed_.wait(*lock, [this] { return busy_ == 0; });
  for (Buffer& buffer : buffers_) buffer.ready = false;
  making_ = step;
  next_item_ = 0;
  // Something may have been wrong with a batch that nobody asks for any more.
  error_ = nullptr;
  paused_ = false;
}

int PrefetchRing::Take(uint64_t step) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (step != expected_) RestartAt(step, &lock);
  in_use_ = step;
  expected_ = step + 1;
  changed_.notify_all();
  const int number = step % buffers_.size();
  const Buffer& buffer = buffers_[number];
  const auto made = [&] { return buffer.ready && buffer.step == step; };
  // After an error nothing new is started. What was under way may still be the
  // batch asked for, when the error is of one made ahead.
  changed_.wait(lock, [&] { return made() || (error_ && busy_ == 0); });
  if (made()) return number;
  expected_ = ~uint64_t(0);  // the next Take makes its batch anew
  std::rethrow_exception(error_);
}

}  // namespace drdl
