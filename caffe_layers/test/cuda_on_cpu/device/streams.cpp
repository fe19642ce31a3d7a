#include "streams.hpp"

#include <set>
#include <utility>

#include "cuda_on_cpu/testing.hpp"
#include "memory.hpp"
#include "options.hpp"

namespace cuda_on_cpu {

std::recursive_mutex device_mutex;

// Streams that wait for the default stream, and it for them, share its queue.
static Stream default_stream;
static std::set<Stream*> other_streams;

static Stream* Queue(cudaStream_t stream) {
  return other_streams.count(stream) ? stream : &default_stream;
}

Stream* NewStream(bool waits_for_default) {
  DeviceLock lock(device_mutex);
  Stream* stream = new Stream;
  if (!waits_for_default) other_streams.insert(stream);
  return stream;
}

void DeleteStream(Stream* stream) {
  DeviceLock lock(device_mutex);
  Drain(stream);
  other_streams.erase(stream);
  delete stream;
}

void Enqueue(cudaStream_t stream, std::function<void()> work) {
  DeviceLock lock(device_mutex);
  if (GetOptions().late) {
    Queue(stream)->queue.push_back(std::move(work));
  } else {
    Access access;
    ++Queue(stream)->done;
    work();
  }
}

void DrainTo(cudaStream_t stream, size_t ticket) {
  DeviceLock lock(device_mutex);
  Stream* given = Queue(stream);
  if (given->done >= ticket || given->queue.empty()) return;
  Access access;
  while (given->done < ticket && !given->queue.empty()) {
    const auto work = std::move(given->queue.front());
    given->queue.pop_front();
    ++given->done;
    work();
  }
}

size_t Ticket(cudaStream_t stream) {
  DeviceLock lock(device_mutex);
  const Stream* given = Queue(stream);
  return given->done + given->queue.size();
}

void Drain(cudaStream_t stream) { DrainTo(stream, ~size_t(0)); }

static thread_local long host_waits = 0;
void CountHostWait() { ++host_waits; }
long HostWaits() { return host_waits; }
void HostWait(cudaStream_t stream) {
  CountHostWait();
  Drain(stream);
}

void DrainAll() {
  Drain(nullptr);
  for (Stream* stream : other_streams) Drain(stream);
}

}  // namespace cuda_on_cpu
