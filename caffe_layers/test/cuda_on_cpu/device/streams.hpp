// Streams: queues of work that the host waits for.
#ifndef CUDA_ON_CPU_STREAMS_HPP_
#define CUDA_ON_CPU_STREAMS_HPP_

#include <deque>
#include <functional>
#include <mutex>

#include "device.hpp"

namespace cuda_on_cpu {

/// One thing runs on all devices at a time, of one host thread.
extern std::recursive_mutex device_mutex;
typedef std::lock_guard<std::recursive_mutex> DeviceLock;

struct Stream {
  std::deque<std::function<void()>> queue;
  size_t done = 0;
  int device = 0;
  bool waits_for_default = false;
};
/// Has happened once so much of the stream's work is done.
struct Event {
  Stream* stream = nullptr;  // one with a queue of its own
  size_t ticket = 0;
  double ms = 0;
};

/// For the calls of this host thread from now on.
void SetCurrentDevice(int device);
/// The device whose work runs; -1: none.
extern int working_device;

/// A stream that does not wait for the default stream has a queue of its own.
Stream* NewStream(bool waits_for_default);
void DeleteStream(Stream* stream);
/// The stream in whose queue a stream's work is: itself, or its device's
/// default stream; null is this host thread's device's.
Stream* Queue(cudaStream_t stream);
/// All work of this host thread's device.
void DrainAll();
/// So much work as the stream was given so far.
size_t Ticket(cudaStream_t stream);
/// Does the stream's work up to a ticket.
void DrainTo(cudaStream_t stream, size_t ticket);
/// Counts a wait of this host thread.
void CountHostWait();

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_STREAMS_HPP_
