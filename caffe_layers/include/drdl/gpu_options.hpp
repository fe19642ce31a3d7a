#ifndef DRDL_GPU_OPTIONS_HPP_
#define DRDL_GPU_OPTIONS_HPP_

#include <cstddef>

namespace drdl {

// What the environment says about computing on a GPU; read at every call.
// All throw drdl::InputError where a value is not one of those named.

/// CAFFE_ALLOW_TF32: 1, as when it is not set, lets tensor cores round the
/// float factors of convolutions and matrix products to TF32, 10 bits of
/// mantissa; 0 computes in float throughout. Sums are of float in either case.
bool Tf32Allowed();

/// CAFFE_DETERMINISTIC: 1 takes only algorithms whose sums have one order, and
/// none by measurement, so that a training on a GPU can be repeated bit for
/// bit; 0, as when it is not set, takes the fastest.
bool Deterministic();

/// CAFFE_WORKSPACE_MB: the most memory, in 2^20 bytes, that one convolution of
/// cuDNN may take besides its tensors; 256 when it is not set. In bytes.
size_t WorkspaceLimit();

/// Tells in the log once what Tf32Allowed() costs, or that it is off.
void TellPrecisionOnce();

}  // namespace drdl

#endif  // DRDL_GPU_OPTIONS_HPP_
