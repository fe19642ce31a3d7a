#include "drdl/pair_set_plan.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "drdl/input_error.hpp"

namespace drdl {

using caffe::PairIndex;
using caffe::PairSetDataParameter;

namespace {

// Names of random streams; a new use gets a new number.
enum Stream { kEpoch = 1, kSet = 2, kTransform = 3 };

uint32_t Low(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t High(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

// The first `count` elements become a uniform sample without replacement.
void PartialShuffle(uint32_t count, CounterRng* rng,
                    std::vector<uint32_t>* values) {
  for (uint32_t i = 0; i < count; ++i) {
    std::swap((*values)[i], (*values)[i + rng->Below(values->size() - i)]);
  }
}

}  // namespace

PairSetPlan::PairSetPlan(const PairIndex& index,
                         const PairSetDataParameter& param)
    : seed_(param.seed()),
      sets_(param.sets()),
      positives_(param.positives()),
      negatives_(param.negatives()),
      // Rounded, so that a float's 0.2 is one of five negatives and no more.
      hard_negatives_(std::round(param.hard_negatives() * 1e6) / 1e6),
      of_model_(index.num_models()),
      epoch_(~uint64_t(0)) {
  for (const PairIndex::Vehicle& vehicle : index.vehicle()) {
    const uint32_t position = vehicles_.size();
    vehicles_.push_back(
        Vehicle{vehicle.first(), vehicle.count(), vehicle.model_id()});
    if (vehicle.model_id() >= 0) {
      of_model_[vehicle.model_id()].push_back(position);
    }
    if (vehicle.count() >= positives_ ||
        param.short_vehicles() == PairSetDataParameter::REPEAT) {
      eligible_.push_back(position);
    }
  }
  std::ostringstream what;
  if (vehicles_.size() < negatives_ + 1) {
    what << "too few vehicles: a set needs " << negatives_ + 1
         << " (one, and one for each of " << negatives_
         << " negatives), there are " << vehicles_.size();
  } else if (eligible_.empty()) {
    what << "no vehicle has the " << positives_
         << " images that a set needs, and short_vehicles is SKIP";
  } else {
    return;
  }
  throw InputError(what.str(), param.source(),
                   "use more vehicles, or smaller sets (positives, negatives)");
}

uint32_t PairSetPlan::PositiveVehicle(uint64_t set) const {
  const uint64_t epoch = set / eligible_.size();
  if (epoch != epoch_) {
    CounterRng rng(seed_, kEpoch, Low(epoch), High(epoch));
    shuffled_ = eligible_;
    PartialShuffle(shuffled_.size(), &rng, &shuffled_);
    epoch_ = epoch;
  }
  return shuffled_[set % eligible_.size()];
}

void PairSetPlan::AddPositives(uint32_t vehicle, CounterRng* rng,
                               std::vector<PlannedImage>* batch) const {
  const Vehicle& v = vehicles_[vehicle];
  std::vector<uint32_t> images(v.count);
  for (uint32_t i = 0; i < v.count; ++i) images[i] = v.first + i;
  PartialShuffle(std::min(v.count, positives_), rng, &images);
  // A short vehicle gives every image once, then some of them again.
  while (images.size() < positives_) {
    images.push_back(v.first + rng->Below(v.count));
  }
  for (uint32_t i = 0; i < positives_; ++i) {
    batch->push_back(PlannedImage{images[i], vehicle});
  }
}

void PairSetPlan::AddNegatives(uint64_t set, uint32_t positive, CounterRng* rng,
                               std::vector<PlannedImage>* batch) const {
  std::vector<uint32_t> chosen;
  // The share of hard negatives is met by the running total over the sets.
  const double share = hard_negatives_ * negatives_;
  const uint32_t hard = std::floor((set + 1) * share) - std::floor(set * share);
  const int32_t model = vehicles_[positive].model;
  if (hard > 0 && model >= 0) {
    std::vector<uint32_t> alike = of_model_[model];
    alike.erase(std::find(alike.begin(), alike.end(), positive));
    // A rare model gives what it has; the rest is filled below.
    const uint32_t count = std::min<uint32_t>(hard, alike.size());
    PartialShuffle(count, rng, &alike);
    chosen.assign(alike.begin(), alike.begin() + count);
  }
  while (chosen.size() < negatives_) {
    const uint32_t vehicle = rng->Below(vehicles_.size());
    if (vehicle != positive &&
        std::find(chosen.begin(), chosen.end(), vehicle) == chosen.end()) {
      chosen.push_back(vehicle);
    }
  }
  for (uint32_t vehicle : chosen) {
    const Vehicle& v = vehicles_[vehicle];
    batch->push_back(PlannedImage{v.first + rng->Below(v.count), vehicle});
  }
}

std::vector<PlannedImage> PairSetPlan::Batch(uint64_t batch) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<PlannedImage> images;
  images.reserve(sets_ * (positives_ + negatives_));
  for (uint64_t set = batch * sets_; set < (batch + 1) * sets_; ++set) {
    CounterRng rng(seed_, kSet, Low(set), High(set));
    const uint32_t positive = PositiveVehicle(set);
    AddPositives(positive, &rng, &images);
    AddNegatives(set, positive, &rng, &images);
  }
  return images;
}

CounterRng PairSetPlan::TransformRng(uint64_t batch, uint32_t image) const {
  return CounterRng(seed_, kTransform, Low(batch), High(batch), image);
}

}  // namespace drdl
