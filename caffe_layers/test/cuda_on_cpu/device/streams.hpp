// Streams: queues of work that the host waits for.
#ifndef CUDA_ON_CPU_STREAMS_HPP_
#define CUDA_ON_CPU_STREAMS_HPP_

#include <deque>
#include <functional>
#include <mutex>

#include "device.hpp"

namespace cuda_on_cpu {

/// One thing runs on the device at a time, of one host thread.
extern std::recursive_mutex device_mutex;
typedef std::lock_guard<std::recursive_mutex> DeviceLock;

struct Stream {
  std::deque<std::function<void()>> queue;
};
struct Event {
  Stream* stream = nullptr;
  double ms = 0;
};

/// A stream that does not wait for the default stream has a queue of its own.
Stream* NewStream(bool waits_for_default);
void DeleteStream(Stream* stream);
void DrainAll();

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_STREAMS_HPP_
