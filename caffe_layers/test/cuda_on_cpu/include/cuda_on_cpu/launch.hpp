// Launches: rewrite.py makes `kernel<<<grid, block>>>(arguments)` a
// `Launch("kernel", grid, block)(kernel)(arguments)`.
#ifndef CUDA_ON_CPU_LAUNCH_HPP_
#define CUDA_ON_CPU_LAUNCH_HPP_

#include <cstddef>
#include <tuple>

#include "cuda_on_cpu/dim3.hpp"
#include "cuda_runtime.h"

namespace cuda_on_cpu {

/// A kernel with its arguments, copied as a launch copies them.
struct Call {
  virtual ~Call() {}
  virtual void Run() = 0;
  size_t size;  // of the whole object, which kernels may read
};
template <typename... P>
struct CallOf final : Call {
  CallOf(void (*kernel)(P...), P... args) : kernel(kernel), args(args...) {
    size = sizeof *this;
  }
  void Run() override { std::apply(kernel, args); }
  void (*kernel)(P...);
  std::tuple<P...> args;
};
template <typename Kernel, typename... P>
struct DeducedCall final : Call {
  DeducedCall(Kernel kernel, P... args) : kernel(kernel), args(args...) {
    size = sizeof *this;
  }
  void Run() override { std::apply(kernel, args); }
  Kernel kernel;
  std::tuple<P...> args;
};

/// Puts the call on its stream. A grid or block that CUDA refuses is refused.
void Submit(const char* kernel, dim3 grid, dim3 block, cudaStream_t stream,
            Call* call);

struct Launch {
  const char* name;
  dim3 grid, block;
  cudaStream_t stream;
  Launch(const char* name, dim3 grid, dim3 block, size_t = 0,
         cudaStream_t stream = nullptr)
      : name(name), grid(grid), block(block), stream(stream) {}
  template <typename... P>
  auto operator()(void (*kernel)(P...)) const {
    return [launch = *this, kernel](P... args) {
      Submit(launch.name, launch.grid, launch.block, launch.stream,
             new CallOf<P...>(kernel, args...));
    };
  }
  /// Of a kernel that is overloaded, or whose template arguments are deduced.
  template <typename Kernel>
  auto Deduced(Kernel kernel) const {
    return [launch = *this, kernel](auto... args) {
      Submit(launch.name, launch.grid, launch.block, launch.stream,
             new DeducedCall<Kernel, decltype(args)...>(kernel, args...));
    };
  }
};

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_LAUNCH_HPP_
