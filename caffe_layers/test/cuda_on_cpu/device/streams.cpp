#include "streams.hpp"

#include <map>
#include <set>
#include <utility>

#include "cuda_on_cpu/testing.hpp"
#include "memory.hpp"
#include "options.hpp"

namespace cuda_on_cpu {

std::recursive_mutex device_mutex;

static thread_local int current_device = 0;
int CurrentDevice() { return current_device; }
void SetCurrentDevice(int device) { current_device = device; }
int working_device = -1;

// Streams that wait for a default stream, and it for them, share its queue.
static Stream* DefaultStream(int device) {
  static auto* streams = new std::map<int, Stream>;  // outlives exit
  Stream* stream = &(*streams)[device];
  stream->device = device;
  return stream;
}
static std::set<Stream*> other_streams;

Stream* Queue(cudaStream_t stream) {
  DeviceLock lock(device_mutex);
  if (stream == nullptr) return DefaultStream(CurrentDevice());
  return stream->waits_for_default ? DefaultStream(stream->device) : stream;
}

Stream* NewStream(bool waits_for_default) {
  DeviceLock lock(device_mutex);
  Stream* stream = new Stream;
  stream->device = CurrentDevice();
  stream->waits_for_default = waits_for_default;
  if (!waits_for_default) other_streams.insert(stream);
  return stream;
}

void DeleteStream(Stream* stream) {
  DeviceLock lock(device_mutex);
  Drain(stream);
  other_streams.erase(stream);
  delete stream;
}

// Work runs with its device named; it may begin other work, which waits there.
static void Work(const std::function<void()>& work, int device) {
  const int before = std::exchange(working_device, device);
  work();
  working_device = before;
}

void Enqueue(cudaStream_t stream, std::function<void()> work) {
  DeviceLock lock(device_mutex);
  const int device = CurrentDevice();
  const bool late = GetOptions().late == 2 ? !other_streams.count(Queue(stream))
                                           : GetOptions().late != 0;
  if (late) {
    Queue(stream)->queue.push_back(
        [work = std::move(work), device] { Work(work, device); });
  } else {
    Access access;
    ++Queue(stream)->done;
    Work(work, device);
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
  for (Stream* stream : other_streams) {
    if (stream->device == CurrentDevice()) Drain(stream);
  }
}

}  // namespace cuda_on_cpu
