#ifndef CPU_ONLY
#include "drdl/device_readings.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "caffe/common.hpp"
#include "caffe/util/math_functions.hpp"

namespace drdl {

template <typename Dtype>
static DeviceReadings<Dtype>*& CurrentOfThread() {
  static thread_local DeviceReadings<Dtype>* current = nullptr;
  return current;
}

template <typename Dtype>
DeviceReadings<Dtype>* DeviceReadings<Dtype>::Current() {
  return CurrentOfThread<Dtype>();
}

template <typename Dtype>
DeviceReadings<Dtype>::Scope::Scope(DeviceReadings* readings)
    : before_(std::exchange(CurrentOfThread<Dtype>(), readings)) {
  if (readings == nullptr) return;
  readings->uses_.clear();
  readings->loss_ = 0;
}

template <typename Dtype>
DeviceReadings<Dtype>::Scope::~Scope() {
  CurrentOfThread<Dtype>() = before_;
}

template <typename Dtype>
Dtype* DeviceReadings<Dtype>::Add(const Use& use) {
  const size_t number = uses_.size();
  if (number == device_.size() * kTogether) {
    const std::vector<int> shape(1, kTogether);
    for (auto* blobs : {&device_, &host_}) {
      blobs->push_back(std::make_shared<caffe::Blob<Dtype> >(shape));
    }
  }
  uses_.push_back(use);
  return device_[number / kTogether]->mutable_gpu_data() + number % kTogether;
}

template <typename Dtype>
void DeviceReadings<Dtype>::AddLoss(int count, const Dtype* values,
                                    const Dtype* weights) {
  Dtype* const to = Add([this](Dtype part) { loss_ += part; });
  const cublasHandle_t handle = caffe::Caffe::cublas_handle();
  CUBLAS_CHECK(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_DEVICE));
  caffe::caffe_gpu_dot(count, values, weights, to);
  CUBLAS_CHECK(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_HOST));
}

template <typename Dtype>
void DeviceReadings<Dtype>::Send() {
  if (uses_.empty()) return;
  if (!sent_) {
    cudaEvent_t event;
    CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    sent_.reset(event, cudaEventDestroy);
  }
  for (size_t first = 0; first < uses_.size(); first += kTogether) {
    const size_t chunk = first / kTogether;
    const size_t numbers = std::min<size_t>(kTogether, uses_.size() - first);
    CUDA_CHECK(cudaMemcpyAsync(
        host_[chunk]->mutable_cpu_data(), device_[chunk]->gpu_data(),
        numbers * sizeof(Dtype), cudaMemcpyDeviceToHost, cudaStreamDefault));
  }
  CUDA_CHECK(cudaEventRecord(sent_.get(), cudaStreamDefault));
}

template <typename Dtype>
Dtype DeviceReadings<Dtype>::Receive() {
  const std::vector<Use> uses = std::exchange(uses_, {});
  if (uses.empty()) return 0;
  CUDA_CHECK(cudaEventSynchronize(sent_.get()));
  for (size_t i = 0; i < uses.size(); ++i) {
    uses[i](host_[i / kTogether]->cpu_data()[i % kTogether]);
  }
  return std::exchange(loss_, Dtype(0));
}

template class DeviceReadings<float>;
template class DeviceReadings<double>;

}  // namespace drdl
#endif  // CPU_ONLY
