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
  size_t done = 0;
};
/// Has happened once so much of the stream's work is done.
struct Event {
  Stream* stream = nullptr;
  size_t ticket = 0;
  double ms = 0;
};

/// A stream that does not wait for the default stream has a queue of its own.
Stream* NewStream(bool waits_for_default);
void DeleteStream(Stream* stream);
void DrainAll();
/// So much work as the stream was given so far.
size_t Ticket(cudaStream_t stream);
/// Does the stream's work up to a ticket.
void DrainTo(cudaStream_t stream, size_t ticket);
/// Counts a wait of this host thread.
void CountHostWait();

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_STREAMS_HPP_
