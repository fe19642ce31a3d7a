#ifndef CUDA_ON_CPU_FAULTS_HPP_
#define CUDA_ON_CPU_FAULTS_HPP_

/// Launches the kernel of this name on a device with x = 0, 1, ..., 63 and room
/// for 64 numbers in y, and returns y[0]. Most kernels have one fault.
extern "C" float RunKernel(const char* kernel);

#endif  // CUDA_ON_CPU_FAULTS_HPP_
