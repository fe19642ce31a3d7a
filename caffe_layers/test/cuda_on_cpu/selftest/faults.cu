// Kernels with one fault each, and some with none.
#include <cuda_runtime.h>

#include <cub/block/block_reduce.cuh>
#include <functional>
#include <map>
#include <string>

#include "copy_row.hpp"
#include "faults.hpp"

namespace {

const int kNumbers = 64;

__global__ void Good(const float* x, float* y) {
  __shared__ float s[kNumbers];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  s[threadIdx.x] = x[i];
  __syncthreads();
  y[i] = s[kNumbers - 1 - threadIdx.x];
}
__global__ void Atomic(const float* x, float* y) {
  atomicAdd(y, x[threadIdx.x]);
}

// --- Bounds, and whose memory

__global__ void OneTooFar(const float* x, float* y) {
  y[threadIdx.x + 1] = x[threadIdx.x];
}
__global__ void OneBefore(const float* x, float* y) { y[0] = x[-1]; }
__global__ void InHeader(const float* x, float* y) {
  CopyRow(x, kNumbers + 1, y);
}
__global__ void Reads(const float* x, float* y) { y[0] = *x; }
__global__ void Unwritten(const float* x, float* y) { y[0] = y[1]; }
__global__ void OthersLocal(const float* x, float* y) {
  __shared__ const float* local;
  const float mine = x[threadIdx.x];
  if (threadIdx.x == 0) local = &mine;
  __syncthreads();
  y[threadIdx.x] = *local;
}

// --- Races

__global__ void NoBarrier(const float* x, float* y) {
  __shared__ float s[kNumbers];
  s[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = s[kNumbers - 1 - threadIdx.x];
}
__global__ void BarrierTooEarly(const float* x, float* y) {
  __shared__ float s;
  for (int i = 0; i < 2; ++i) {
    if (threadIdx.x == 0) s = x[i];
    __syncthreads();
    y[threadIdx.x] = s;  // while thread 0 may write the next
  }
}
__global__ void StorageAgain(const float* x, float* y) {
  __shared__ cub::BlockReduce<float, kNumbers>::TempStorage storage;
  for (int i = 0; i < 2; ++i) {
    const float sum =
        cub::BlockReduce<float, kNumbers>(storage).Sum(x[threadIdx.x]);
    if (threadIdx.x == 0) y[i] = sum;
  }
}
__global__ void TwoBlocks(const float* x, float* y) { y[0] = x[blockIdx.x]; }
__global__ void NotAtomic(const float* x, float* y) { ++*y; }
__global__ void SharedUnwritten(const float* x, float* y) {
  __shared__ float s[kNumbers];
  if (blockIdx.x == 0) s[threadIdx.x] = x[threadIdx.x];
  y[blockIdx.x * kNumbers + threadIdx.x] = s[threadIdx.x];
}

// --- Barriers and shuffles

__global__ void SomeEnd(const float* x, float* y) {
  if (threadIdx.x >= 32) return;
  __syncthreads();
}
__global__ void TwoBarriers(const float* x, float* y) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void HalfWarp(const float* x, float* y) {
  if (threadIdx.x >= 16) return;
  y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 16);
}
__global__ void HalfWaits(const float* x, float* y) {
  if (threadIdx.x < 16) {
    y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);
  } else {
    __syncthreads();
  }
}
__global__ void NotInMask(const float* x, float* y) {
  y[threadIdx.x] = __shfl_xor_sync(0xffffu, x[threadIdx.x], 1);
}

// --- What depends on the order of threads alone

__global__ void FirstCome(const float* x, float* y) {
  __shared__ int taken;
  if (threadIdx.x == 0) taken = 0;
  __syncthreads();
  if (atomicAdd(&taken, 1) == 0) y[0] = x[threadIdx.x];
}

}  // namespace

extern "C" float RunKernel(const char* name) {
  float host[kNumbers], *x, *y;
  for (int i = 0; i < kNumbers; ++i) host[i] = i;
  cudaMalloc(&x, sizeof host);
  cudaMalloc(&y, sizeof host);
  cudaMemcpy(x, host, sizeof host, cudaMemcpyHostToDevice);
  cudaMemset(y, 0, sizeof(float));
  typedef void (*Kernel)(const float*, float*);
  struct Case {
    Kernel kernel;
    int blocks, threads;
    const float* from;
    int device = 0;
  };
  const std::map<std::string, Case> cases = {
      {"Good", {Good, 1, kNumbers, x}},
      {"Atomic", {Atomic, 1, kNumbers, x}},
      {"Empty", {Good, 0, kNumbers, x}},
      {"TooManyThreads", {Good, 1, 1025, x}},
      {"OneTooFar", {OneTooFar, 1, kNumbers, x}},
      {"OneBefore", {OneBefore, 1, 1, x}},
      {"InHeader", {InHeader, 1, 1, x}},
      {"HostMemory", {Reads, 1, 1, new float(1)}},
      {"Unwritten", {Unwritten, 1, 1, x}},
      {"OthersLocal", {OthersLocal, 1, kNumbers, x}},
      {"NoBarrier", {NoBarrier, 1, kNumbers, x}},
      {"BarrierTooEarly", {BarrierTooEarly, 1, kNumbers, x}},
      {"StorageAgain", {StorageAgain, 1, kNumbers, x}},
      {"TwoBlocks", {TwoBlocks, 2, 1, x}},
      {"NotAtomic", {NotAtomic, 1, kNumbers, x}},
      {"SharedUnwritten", {SharedUnwritten, 2, kNumbers / 2, x}},
      {"SomeEnd", {SomeEnd, 1, kNumbers, x}},
      {"TwoBarriers", {TwoBarriers, 1, kNumbers, x}},
      {"HalfWarp", {HalfWarp, 1, 32, x}},
      {"HalfWaits", {HalfWaits, 1, 32, x}},
      {"NotInMask", {NotInMask, 1, 32, x}},
      {"FirstCome", {FirstCome, 1, kNumbers, x}},
      {"OtherDevice", {Good, 1, kNumbers, x, 1}},
  };
  const Case& c = cases.at(name);
  const Kernel kernel = c.kernel;
  cudaSetDevice(c.device);
  kernel<<<c.blocks, c.threads>>>(c.from, y);
  float first = 0;
  cudaMemcpy(&first, y, sizeof first, cudaMemcpyDeviceToHost);
  cudaFree(x);
  cudaFree(y);
  return first;
}
