#ifndef DRDL_ENGINE_UPDATE_HPP_
#define DRDL_ENGINE_UPDATE_HPP_

namespace drdl {
namespace engine {

/// One step of stochastic gradient descent with momentum and L2 decay, on all
/// threads and in one pass over memory: history = momentum history + rate (diff
/// + decay data), diff = history, data = data - history.
template <typename Dtype>
void SgdStep(int count, Dtype decay, Dtype momentum, Dtype rate, Dtype* data,
             Dtype* diff, Dtype* history);

/// Zeros, on all threads.
template <typename Dtype>
void Clear(int count, Dtype* values);

}  // namespace engine
}  // namespace drdl

#endif  // DRDL_ENGINE_UPDATE_HPP_
