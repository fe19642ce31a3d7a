#include "streams.hpp"

#include <set>
#include <utility>

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
    work();
  }
}

void Drain(cudaStream_t stream) {
  DeviceLock lock(device_mutex);
  std::deque<std::function<void()>>& queue = Queue(stream)->queue;
  if (queue.empty()) return;
  Access access;
  while (!queue.empty()) {
    const auto work = std::move(queue.front());
    queue.pop_front();
    work();
  }
}

void DrainAll() {
  Drain(nullptr);
  for (Stream* stream : other_streams) Drain(stream);
}

}  // namespace cuda_on_cpu
