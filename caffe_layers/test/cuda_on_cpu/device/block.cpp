#include "block.hpp"

#include <setjmp.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "launches.hpp"
#include "memory.hpp"
#include "options.hpp"
#include "report.hpp"
#include "runtime.hpp"
#include "streams.hpp"

namespace cuda_on_cpu {

Builtins builtins;
Running running;
char* const stacks = static_cast<char*>(Map(kMostThreads * kStack, true));
thread_local bool in_kernel = false;

namespace {

const int kWarp = 32;

struct Fiber {
  ucontext_t beginning;
  bool begun = false;
  jmp_buf place;  // where it goes on
  int thread;
};
struct Warp {
  unsigned arrived, exited, mask;  // bits of lanes
  unsigned phase, given[2];        // a lane may be a shuffle ahead
  uint64_t bits[2][kWarp];
  const char* file;
  int line;
  std::vector<int> waiting;
};

// The block that runs.
int threads, started, live, arrived;
std::vector<int> order;  // in which threads start
unsigned phase;
int barrier_or[2];
const char* barrier_file;
int barrier_line;
std::vector<int> at_barrier;
std::deque<int> ready;  // threads that may go on
Warp warps[kMostThreads / kWarp];
Fiber* fiber_of[kMostThreads];

jmp_buf scheduler;
Fiber* current;
std::vector<Fiber*> idle;
int stacks_used = 0;

// Jumps, since swapcontext asks the kernel for the signal mask each time.
void GoOn(Fiber* fiber) {
  if (_setjmp(scheduler) != 0) return;
  if (fiber->begun) _longjmp(fiber->place, 1);
  fiber->begun = true;
  setcontext(&fiber->beginning);
}
void Leave(Fiber* self) {
  if (_setjmp(self->place) == 0) _longjmp(scheduler, 1);
}

void Reorder(std::vector<int>* list) {
  static std::mt19937 engine(GetOptions().order);
  const int how = GetOptions().order;
  if (how == 1) std::sort(list->begin(), list->end(), std::greater<int>());
  if (how > 1) std::shuffle(list->begin(), list->end(), engine);
}

void Release(std::vector<int>* waiting) {
  Reorder(waiting);
  ready.insert(ready.end(), waiting->begin(), waiting->end());
  waiting->clear();
}

void ReleaseBarrier() {
  if (live < threads) {
    Report(nullptr, "barrier at %s:%d without %d threads that have ended",
           barrier_file, barrier_line, threads - live);
  }
  arrived = 0;
  ++running.epoch;
  barrier_or[++phase & 1] = 0;
  Release(&at_barrier);
}

void ReleaseWarp(Warp* warp) {
  if (warp->mask & warp->exited) {
    Report(nullptr, "shuffle at %s:%d names lanes that have ended: %08x",
           warp->file, warp->line, warp->mask & warp->exited);
  }
  warp->arrived = 0;
  warp->given[++warp->phase & 1] = 0;
  Release(&warp->waiting);
}

// Before a fiber goes on, or begins, as this thread.
void Become(int thread) {
  const dim3 size = builtins.block_dim;
  const unsigned t = thread;
  builtins.thread = {t % size.x, t / size.x % size.y, t / size.x / size.y};
  running.thread = thread;
  running.stack = static_cast<char*>(current->beginning.uc_stack.ss_sp);
}

void Wait() {
  Fiber* self = current;
  in_kernel = false;
  Leave(self);
  in_kernel = true;
}

void EndThread(int thread) {
  --live;
  Warp* warp = &warps[thread / kWarp];
  warp->exited |= 1u << thread % kWarp;
  if (live > 0 && arrived == live) ReleaseBarrier();
  if (warp->arrived && warp->arrived == (warp->mask & ~warp->exited)) {
    ReleaseWarp(warp);
  }
}

// A fiber runs one thread after the other, until one waits.
void RunThreads() {
  while (true) {
    while (started < threads) {
      const int thread = order[started++];
      current->thread = thread;
      fiber_of[thread] = current;
      Become(thread);
      in_kernel = true;
      running.call->Run();
      in_kernel = false;
      EndThread(thread);
    }
    Fiber* self = current;
    idle.push_back(self);
    Leave(self);
  }
}

Fiber* NewFiber() {
  Fiber* const fiber = new Fiber;
  getcontext(&fiber->beginning);
  fiber->beginning.uc_stack.ss_sp = stacks + kStack * stacks_used++;
  fiber->beginning.uc_stack.ss_size = kStack;
  makecontext(&fiber->beginning, RunThreads, 0);
  return fiber;
}

Fiber* IdleFiber() {
  if (!idle.empty()) {
    Fiber* fiber = idle.back();
    idle.pop_back();
    return fiber;
  }
  return NewFiber();
}

void RunBlock() {
  ++running.block_serial;
  running.epoch = phase = 0;
  started = arrived = 0;
  live = threads;
  barrier_or[0] = barrier_or[1] = 0;
  order.resize(threads);
  for (int t = 0; t < threads; ++t) order[t] = t;
  Reorder(&order);
  for (int first = 0; first < threads; first += kWarp) {
    Warp* warp = &warps[first / kWarp];
    warp->arrived = warp->phase = warp->given[0] = warp->given[1] = 0;
    const int lanes = threads - first;
    warp->exited = lanes >= kWarp ? 0 : ~0u << lanes;  // those there are not
  }
  while (!ready.empty() || started < threads) {
    if (!ready.empty()) {
      current = fiber_of[ready.front()];
      Become(ready.front());
      ready.pop_front();
    } else {
      current = IdleFiber();
    }
    GoOn(current);
  }
  if (live > 0) {
    Report(nullptr, "%d threads wait for ever, %d of them at a barrier", live,
           arrived);
    fflush(nullptr);
    _exit(kFaultyExit);
  }
}

void RunKernel(const char* name, dim3 grid, dim3 block, Call* call) {
  Access access;
  running.kernel = name;
  running.call = call;
  ++running.launch;
  builtins.grid_dim = grid;
  builtins.block_dim = block;
  threads = block.x * block.y * block.z;
  std::vector<int> blocks(grid.x * grid.y * grid.z);
  for (size_t b = 0; b < blocks.size(); ++b) blocks[b] = b;
  Reorder(&blocks);
  for (unsigned b : blocks) {
    running.block = b;
    builtins.block = {b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y};
    RunBlock();
  }
  running.kernel = nullptr;
  delete call;
}

}  // namespace

void Submit(const char* kernel, dim3 grid, dim3 block, cudaStream_t stream,
            Call* call) {
  const auto within = [](unsigned size, unsigned most) {
    return size >= 1 && size <= most;
  };
  const bool valid = within(grid.x, 0x7fffffff) && within(grid.y, 65535) &&
                     within(grid.z, 65535) && within(block.x, kMostThreads) &&
                     within(block.y, kMostThreads) && within(block.z, 64) &&
                     within(block.x * block.y * block.z, kMostThreads);
  if (!valid) {
    fprintf(stderr,
            "cuda_on_cpu: kernel %s: invalid configuration: grid (%u, %u, %u), "
            "block (%u, %u, %u)\n",
            kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z);
    SetLastError(cudaErrorInvalidConfiguration);
    delete call;
    return;
  }
  CountLaunch(kernel);
  Enqueue(stream, [=] { RunKernel(kernel, grid, block, call); });
}

int Barrier(int value, const char* file, int line) {
  if (arrived > 0 && (file != barrier_file || line != barrier_line)) {
    Report(nullptr, "threads wait at two barriers at a time: %s:%d and %s:%d",
           barrier_file, barrier_line, file, line);
  }
  barrier_file = file;
  barrier_line = line;
  const unsigned now = phase;
  barrier_or[now & 1] |= value != 0;
  ++arrived;
  at_barrier.push_back(current->thread);
  if (arrived == live) ReleaseBarrier();
  Wait();
  return barrier_or[now & 1];
}

uint64_t Shuffle(unsigned mask, uint64_t bits, int from, const char* file,
                 int line) {
  const int thread = current->thread, lane = thread % kWarp;
  Warp* warp = &warps[thread / kWarp];
  if (!(mask >> lane & 1)) {
    Report(nullptr, "shuffle at %s:%d: lane %d is not in its own mask", file,
           line, lane);
  }
  if (warp->arrived &&
      (warp->mask != mask || warp->file != file || warp->line != line)) {
    Report(nullptr, "lanes of a warp shuffle at %s:%d and at %s:%d", warp->file,
           warp->line, file, line);
  }
  warp->mask = mask;
  warp->file = file;
  warp->line = line;
  const unsigned now = warp->phase & 1;
  warp->bits[now][lane] = bits;
  warp->given[now] |= 1u << lane;
  warp->arrived |= 1u << lane;
  warp->waiting.push_back(thread);
  if (warp->arrived == (mask & ~warp->exited)) ReleaseWarp(warp);
  Wait();
  if (!(warp->given[now] >> from & 1)) {
    Report(nullptr,
           "shuffle at %s:%d: lane %d takes from lane %d, which gave none",
           file, line, lane, from);
  }
  return warp->bits[now][from];
}

}  // namespace cuda_on_cpu
