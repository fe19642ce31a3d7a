// Blocks run one after the other; the threads of one are fibers, which take
// turns at barriers and shuffles.
#ifndef CUDA_ON_CPU_BLOCK_HPP_
#define CUDA_ON_CPU_BLOCK_HPP_

#include <cstddef>

#include "cuda_on_cpu/kernel_calls.hpp"
#include "cuda_on_cpu/launch.hpp"

namespace cuda_on_cpu {

const int kMostThreads = 1024;
const size_t kStack = 128 << 10;
extern char* const stacks;  // kMostThreads of kStack bytes

/// What runs on the device now.
struct Running {
  const char* kernel;     // null where none does
  Call* call;             // its arguments
  unsigned launch;        // the number of this launch
  unsigned block;         // of the grid
  unsigned block_serial;  // the number of this block of all launches
  unsigned epoch;         // barriers that this block has passed
  unsigned thread;        // of the block
  char* stack;            // of this thread
};
extern Running running;
/// Whether this host thread is in the code of a kernel, not in the device's.
extern thread_local bool in_kernel;

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_BLOCK_HPP_
