#ifndef DRDL_PAIR_SET_PLAN_HPP_
#define DRDL_PAIR_SET_PLAN_HPP_

#include <cstdint>
#include <mutex>
#include <vector>

#include "caffe/proto/caffe.pb.h"
#include "drdl/counter_rng.hpp"

namespace drdl {

/// One image of a batch: which record shows which vehicle.
struct PlannedImage {
  uint32_t record;
  uint32_t vehicle;  // position in the index
};

/**
 * @brief Which images make a batch: a pure function of (seed, batch, index).
 *
 * Batch g holds sets g * sets .. (g + 1) * sets - 1. Set s takes its positive
 * vehicle from a seeded shuffle of all vehicles, a new one each epoch, so that
 * an epoch shows every vehicle once. Its negatives are distinct other vehicles,
 * one random image each.
 */
class PairSetPlan {
 public:
  /// @throws InputError if there are too few vehicles for one set.
  PairSetPlan(const caffe::PairIndex& index,
              const caffe::PairSetDataParameter& param);

  /// sets x (positives then negatives) images. Thread-safe.
  std::vector<PlannedImage> Batch(uint64_t batch) const;

  /// Vehicles that serve as positives, each once an epoch.
  uint32_t epoch_sets() const { return eligible_.size(); }

  /// The stream that decides crop and mirror of one image of a batch.
  CounterRng TransformRng(uint64_t batch, uint32_t image) const;

 private:
  struct Vehicle {
    uint32_t first, count;
    int32_t model;
  };

  uint32_t PositiveVehicle(uint64_t set) const;
  void AddPositives(uint32_t vehicle, CounterRng* rng,
                    std::vector<PlannedImage>* batch) const;
  void AddNegatives(uint64_t set, uint32_t positive, CounterRng* rng,
                    std::vector<PlannedImage>* batch) const;

  const uint32_t seed_, sets_, positives_, negatives_;
  const double hard_negatives_;
  std::vector<Vehicle> vehicles_;
  std::vector<uint32_t> eligible_;
  std::vector<std::vector<uint32_t> > of_model_;
  // The shuffle of one epoch, kept because the next set needs it too.
  mutable std::mutex mutex_;
  mutable uint64_t epoch_;
  mutable std::vector<uint32_t> shuffled_;
};

}  // namespace drdl

#endif  // DRDL_PAIR_SET_PLAN_HPP_
