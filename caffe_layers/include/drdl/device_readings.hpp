#ifndef DRDL_DEVICE_READINGS_HPP_
#define DRDL_DEVICE_READINGS_HPP_
#ifndef CPU_ONLY

#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "caffe/blob.hpp"

namespace drdl {

/**
 * @brief Numbers that layers leave on the device for the host: losses, and
 * whether something was wrong. The host fetches them in one copy a pass, and
 * does not wait for the device in between.
 */
template <typename Dtype>
class DeviceReadings {
 public:
  /// What is done with a number once it is on the host; may throw.
  using Use = std::function<void(Dtype)>;

  /// Where the layers of this thread's net put theirs. Null where no net asks
  /// for them: a layer then waits for its own.
  static DeviceReadings* Current();

  /// Empties the readings and makes them Current while it lives.
  class Scope {
   public:
    explicit Scope(DeviceReadings* readings);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    DeviceReadings* const before_;
  };

  /// Whose losses count now: a layer of the net, not one that it has inside.
  void set_layer(const void* layer) { layer_ = layer; }
  bool CountsLossesOf(const void* layer) const { return layer == layer_; }

  /// Device memory for one number, which the work launched so far and next
  /// writes.
  Dtype* Add(const Use& use);
  /// The sum of products of two vectors on the device is a part of the loss.
  void AddLoss(int count, const Dtype* values, const Dtype* weights);

  /// Copies the numbers behind all that is launched; the host goes on.
  void Send();
  /// Waits for the copy, hands the numbers out in order and returns the loss.
  Dtype Receive();

 private:
  // So many numbers lie, and are copied, together.
  static const int kTogether = 64;

  std::vector<Use> uses_;
  Dtype loss_ = 0;
  const void* layer_ = nullptr;
  std::vector<std::shared_ptr<caffe::Blob<Dtype> > > device_, host_;
  std::shared_ptr<std::remove_pointer_t<cudaEvent_t> > sent_;
};

}  // namespace drdl

#endif  // CPU_ONLY
#endif  // DRDL_DEVICE_READINGS_HPP_
