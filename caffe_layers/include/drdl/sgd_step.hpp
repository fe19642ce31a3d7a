#ifndef DRDL_SGD_STEP_HPP_
#define DRDL_SGD_STEP_HPP_

namespace drdl {

/// One step of stochastic gradient descent with momentum and L2 decay, as
/// engine::SgdStep, in one kernel over device memory: history = momentum
/// history + rate (diff + decay data), data = data - history. Leaves diff
/// cleared for the next gradient, or, as upstream does, equal to the step.
template <typename Dtype>
void SgdStepOnDevice(int count, Dtype decay, Dtype momentum, Dtype rate,
                     bool clear, Dtype* data, Dtype* diff, Dtype* history);

}  // namespace drdl

#endif  // DRDL_SGD_STEP_HPP_
