// Faults: each is printed once; the process then ends with kFaultyExit.
#ifndef CUDA_ON_CPU_REPORT_HPP_
#define CUDA_ON_CPU_REPORT_HPP_

namespace cuda_on_cpu {

const int kFaultyExit = 86;

/// pc is where it happened, for addr2line; may be null. what is a printf
/// format.
void Report(const void* pc, const char* what, ...)
    __attribute__((format(printf, 2, 3)));

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_REPORT_HPP_
