#ifndef CUDA_ON_CPU_OPTIONS_HPP_
#define CUDA_ON_CPU_OPTIONS_HPP_

namespace cuda_on_cpu {

/// From the environment, as README.md lists it.
struct Options {
  /// Work waits on its stream until the host waits for it: not (0), on every
  /// stream (1), or on default streams only, ahead of which others then are
  /// (2).
  int late;
  /// Threads and blocks run in order (0), the other way round (1), or in an
  /// order drawn from this seed.
  int order;
  /// The host may (0) or may not (1) touch device memory; 2: by pages' rights
  /// even where the processor has protection keys.
  int protect;
  /// Kinds of faults to print; the others are counted.
  int reports;
  /// There is no driver: every call ends in cudaErrorInsufficientDriver.
  bool no_driver;
  /// Bytes that can be allocated, in MiB.
  int memory_mib;
  /// How many devices there are.
  int devices;
  /// Seconds that a rank of a collective call waits for the others.
  int patience;
  /// Kernels and how often they were launched are added to this file; may be
  /// null.
  const char* launches;
};
const Options& GetOptions();

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_OPTIONS_HPP_
