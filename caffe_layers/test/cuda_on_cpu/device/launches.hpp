#ifndef CUDA_ON_CPU_LAUNCHES_HPP_
#define CUDA_ON_CPU_LAUNCHES_HPP_

namespace cuda_on_cpu {

/// Counts a launch for the file that CUDA_ON_CPU_LAUNCHES names.
void CountLaunch(const char* kernel);

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_LAUNCHES_HPP_
