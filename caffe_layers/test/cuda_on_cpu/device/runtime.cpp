// CUDA's runtime, as include/cuda_runtime.h declares it.

#include "runtime.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "cuda_on_cpu/testing.hpp"
#include "cuda_runtime.h"
#include "memory.hpp"
#include "options.hpp"
#include "report.hpp"
#include "streams.hpp"

using cuda_on_cpu::CountHostWait;
using cuda_on_cpu::device_mutex;
using cuda_on_cpu::DeviceLock;
using cuda_on_cpu::DrainAll;
using cuda_on_cpu::DrainTo;
using cuda_on_cpu::Enqueue;
using cuda_on_cpu::GetOptions;
using cuda_on_cpu::OnDevice;

namespace cuda_on_cpu {

static thread_local cudaError_t last_error = cudaSuccess;
static std::atomic<cudaError_t> every_call{
    GetOptions().no_driver ? cudaErrorInsufficientDriver : cudaSuccess};

void SetLastError(cudaError_t error) { last_error = error; }
void FailEveryCall(cudaError_t error) { every_call = error; }

static std::atomic<size_t> largest_allocation{0};
static std::atomic<long> bytes_to_device{0};
long BytesToDevice() { return bytes_to_device; }

void FailAllocationsAbove(size_t bytes) { largest_allocation = bytes; }

}  // namespace cuda_on_cpu

namespace {

std::map<const char*, size_t> pinned;  // host memory, to its bytes

cudaError_t Return(cudaError_t error) {
  if (error != cudaSuccess) cuda_on_cpu::SetLastError(error);
  return error;
}

#define CUDA_ON_CPU_NEEDS_DRIVER() \
  if (const cudaError_t error = cuda_on_cpu::every_call) return Return(error)

bool IsPinned(const char* p, size_t bytes) {
  auto after = pinned.upper_bound(p);
  if (after == pinned.begin()) return false;
  const auto& [begin, size] = *std::prev(after);
  return p + bytes <= begin + size;
}

bool RightWay(void* to, const void* from, cudaMemcpyKind kind) {
  if (kind == cudaMemcpyDefault) return true;
  const bool to_device =
      kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device =
      kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  return OnDevice(to) == to_device && OnDevice(from) == from_device;
}

bool IsDevice(int device) {
  return device >= 0 && device < GetOptions().devices;
}

double Now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

}  // namespace

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorCudartUnloading:
      return "driver shutting down";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
  }
  return "unknown error";
}
cudaError_t cudaPeekAtLastError() { return cuda_on_cpu::last_error; }
cudaError_t cudaGetLastError() {
  return std::exchange(cuda_on_cpu::last_error, cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  CUDA_ON_CPU_NEEDS_DRIVER();
  *count = GetOptions().devices;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  *device = cuda_on_cpu::CurrentDevice();
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  if (!IsDevice(device)) return Return(cudaErrorInvalidDevice);
  cuda_on_cpu::SetCurrentDevice(device);
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  cudaDeviceProp cpu = {};
  std::strcpy(cpu.name, "CPU");
  cpu.totalGlobalMem = cuda_on_cpu::kArena;
  cpu.sharedMemPerBlock = 48 << 10;
  cpu.memPitch = 1u << 31;
  cpu.totalConstMem = 64 << 10;
  cpu.textureAlignment = 512;
  cpu.regsPerBlock = 65536;
  cpu.warpSize = 32;
  cpu.maxThreadsPerBlock = 1024;
  const int threads[] = {1024, 1024, 64};
  const int blocks[] = {0x7fffffff, 65535, 65535};
  std::copy(threads, threads + 3, cpu.maxThreadsDim);
  std::copy(blocks, blocks + 3, cpu.maxGridSize);
  cpu.major = 9;
  cpu.multiProcessorCount = 1;
  cpu.asyncEngineCount = 1;
  *prop = cpu;
  CUDA_ON_CPU_NEEDS_DRIVER();
  return Return(IsDevice(device) ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int device) {
  *value = 0;
  CUDA_ON_CPU_NEEDS_DRIVER();
  return Return(IsDevice(device) ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaDeviceSynchronize() {
  CUDA_ON_CPU_NEEDS_DRIVER();
  DeviceLock lock(device_mutex);
  CountHostWait();
  DrainAll();
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  DeviceLock lock(device_mutex);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  const size_t most = cuda_on_cpu::largest_allocation;
  char* block = most && bytes > most ? nullptr : cuda_on_cpu::Allocate(bytes);
  if (block == nullptr) return Return(cudaErrorMemoryAllocation);
  *pointer = block;
  return cudaSuccess;
}
cudaError_t cudaFree(void* pointer) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  DeviceLock lock(device_mutex);
  if (pointer != nullptr) CountHostWait();
  DrainAll();  // cudaFree waits for the device
  if (pointer == nullptr || cuda_on_cpu::Free(pointer)) return cudaSuccess;
  cuda_on_cpu::Report(__builtin_return_address(0),
                      "cudaFree of %p, which is no block", pointer);
  return Return(cudaErrorInvalidValue);
}
cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  DeviceLock lock(device_mutex);
  *pointer = std::malloc(bytes ? bytes : 1);
  if (*pointer == nullptr) return Return(cudaErrorMemoryAllocation);
  pinned[static_cast<char*>(*pointer)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* pointer) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  DeviceLock lock(device_mutex);
  CountHostWait();
  DrainAll();
  if (!pinned.erase(static_cast<char*>(pointer))) {
    return Return(cudaErrorInvalidValue);
  }
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes,
                       cudaMemcpyKind kind) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  if (!RightWay(to, from, kind)) return Return(cudaErrorInvalidValue);
  if (OnDevice(to) && OnDevice(from)) {  // the host does not wait
    return cudaMemcpyAsync(to, from, bytes, kind);
  }
  DeviceLock lock(device_mutex);
  if (OnDevice(to)) cuda_on_cpu::bytes_to_device += bytes;
  cuda_on_cpu::HostWait(nullptr);
  cuda_on_cpu::Copy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  if (!RightWay(to, from, kind)) return Return(cudaErrorInvalidValue);
  DeviceLock lock(device_mutex);
  if (OnDevice(to) && !OnDevice(from)) cuda_on_cpu::bytes_to_device += bytes;
  const char* p = static_cast<const char*>(from);
  if (OnDevice(from) || IsPinned(p, bytes)) {
    Enqueue(stream, [=] { cuda_on_cpu::Copy(to, from, bytes); });
  } else {  // is read before the call returns
    std::vector<char> copy(p, p + bytes);
    Enqueue(stream, [to, bytes, copy = std::move(copy)] {
      cuda_on_cpu::Copy(to, copy.data(), bytes);
    });
  }
  return cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  Enqueue(nullptr, [=] {
    if (cuda_on_cpu::Defines(to, bytes)) std::memset(to, value, bytes);
  });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  *stream = cuda_on_cpu::NewStream(!(flags & cudaStreamNonBlocking));
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  cuda_on_cpu::DeleteStream(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  cuda_on_cpu::HostWait(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event,
                                unsigned) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  const cuda_on_cpu::Event recorded = *event;
  Enqueue(stream, [=] { DrainTo(recorded.stream, recorded.ticket); });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  *event = new cuda_on_cpu::Event;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, 0);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  DrainTo(event->stream, event->ticket);
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  DeviceLock lock(device_mutex);
  Enqueue(stream, [=] { event->ms = Now(); });
  event->stream = cuda_on_cpu::Queue(stream);
  event->ticket = cuda_on_cpu::Ticket(stream);
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  CountHostWait();
  DrainTo(event->stream, event->ticket);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start,
                                 cudaEvent_t end) {
  CUDA_ON_CPU_NEEDS_DRIVER();
  *ms = static_cast<float>(end->ms - start->ms);
  return cudaSuccess;
}
