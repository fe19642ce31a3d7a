#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drdl/input_error.hpp"
#include "drdl/pair_set_plan.hpp"
#include "gtest/gtest.h"

namespace drdl {

using caffe::PairIndex;
using caffe::PairSetDataParameter;

static bool operator==(const PlannedImage& a, const PlannedImage& b) {
  return a.record == b.record && a.vehicle == b.vehicle;
}

namespace {

typedef std::vector<PlannedImage> Batch;

// One vehicle for each {images, model}.
PairIndex Index(const std::vector<std::pair<int, int> >& vehicles) {
  PairIndex index;
  uint32_t first = 0, models = 0;
  for (const auto& vehicle : vehicles) {
    PairIndex::Vehicle* added = index.add_vehicle();
    added->set_vehicle_id(1000 + index.vehicle_size());
    added->set_first(first);
    added->set_count(vehicle.first);
    added->set_model_id(vehicle.second);
    first += vehicle.first;
    models = std::max<int>(models, vehicle.second + 1);
  }
  index.set_num_images(first);
  index.set_num_models(models);
  return index;
}

// Vehicles with 1 .. 9 images, without models.
PairIndex MixedIndex(int vehicles) {
  std::vector<std::pair<int, int> > all;
  for (int v = 0; v < vehicles; ++v) all.push_back({1 + v * 5 % 9, -1});
  return Index(all);
}

PairSetDataParameter Param(int sets, int positives, int negatives) {
  PairSetDataParameter param;
  param.set_source("the/lmdb");
  param.set_sets(sets);
  param.set_positives(positives);
  param.set_negatives(negatives);
  param.set_seed(7);
  return param;
}

std::string WhatIsThrown(const PairIndex& index,
                         const PairSetDataParameter& param) {
  try {
    PairSetPlan plan(index, param);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// About 1 in 10,000 fair plans would exceed it.
void ExpectUniform(const std::vector<int>& counts) {
  const double mean =
      std::accumulate(counts.begin(), counts.end(), 0.) / counts.size();
  ASSERT_GE(mean, 20);
  double chi_square = 0;
  for (int count : counts) chi_square += (count - mean) * (count - mean) / mean;
  const double freedom = counts.size() - 1;
  EXPECT_LT(chi_square, freedom + 5 * std::sqrt(2 * freedom) + 5);
}

// The positive vehicles of sets 0 .. count - 1, by a plan of one set a batch.
std::vector<uint32_t> Positives(const PairSetPlan& plan, int count) {
  std::vector<uint32_t> vehicles;
  for (int s = 0; s < count; ++s) vehicles.push_back(plan.Batch(s)[0].vehicle);
  return vehicles;
}

TEST(PairSetPlanTest, TestABatchDependsOnItsNumberAlone) {
  const PairIndex index = MixedIndex(23);
  const PairSetDataParameter param = Param(4, 3, 5);
  const PairSetPlan forward(index, param), jumping(index, param);
  std::vector<Batch> expected;
  for (int b = 0; b < 40; ++b) expected.push_back(forward.Batch(b));
  CounterRng rng(1, 2, 3, 4);
  for (int i = 0; i < 200; ++i) {
    const uint32_t b = rng.Below(40);
    EXPECT_EQ(jumping.Batch(b), expected[b]);
    EXPECT_EQ(PairSetPlan(index, param).Batch(b), expected[b]);
  }
  EXPECT_NE(expected[0], expected[1]);
}

// Batch g holds sets g * sets .. (g + 1) * sets - 1 of one stream of sets.
TEST(PairSetPlanTest, TestSetsAreTheSameInBatchesOfAnySize) {
  const PairIndex index = MixedIndex(11);
  const PairSetPlan three(index, Param(3, 2, 4)), one(index, Param(1, 2, 4));
  for (int b = 0; b < 20; ++b) {
    Batch joined;
    for (int s = 3 * b; s < 3 * b + 3; ++s) {
      const Batch set = one.Batch(s);
      joined.insert(joined.end(), set.begin(), set.end());
    }
    EXPECT_EQ(three.Batch(b), joined);
  }
}

// Numbers beyond 32 bits have streams of their own. Which of its 1,000 images a
// vehicle shows does not depend on which vehicle it is.
TEST(PairSetPlanTest, TestLargeBatchNumbers) {
  const PairSetPlan plan(Index({{1000, -1}, {1000, -1}}), Param(1, 5, 1));
  const uint64_t far = uint64_t(1) << 32;
  std::set<std::vector<uint32_t> > shown;
  for (uint64_t batch : {uint64_t(0), far, 2 * far}) {
    std::vector<uint32_t> images;
    for (const PlannedImage& image : plan.Batch(batch)) {
      images.push_back(image.record % 1000);
    }
    shown.insert(images);
  }
  EXPECT_EQ(shown.size(), 3);
  EXPECT_NE(plan.TransformRng(far, 0).Next(), plan.TransformRng(0, 0).Next());
}

TEST(PairSetPlanTest, TestAnotherSeedDiffers) {
  const PairIndex index = MixedIndex(23);
  PairSetDataParameter param = Param(4, 3, 5);
  const PairSetPlan plan(index, param);
  param.set_seed(8);
  const PairSetPlan other(index, param);
  EXPECT_NE(plan.Batch(0), other.Batch(0));
  EXPECT_NE(plan.TransformRng(0, 0).Next(), other.TransformRng(0, 0).Next());
}

TEST(PairSetPlanTest, TestSetLayout) {
  const PairIndex index = MixedIndex(23);
  const PairSetPlan plan(index, Param(4, 3, 5));
  for (int b = 0; b < 50; ++b) {
    const Batch batch = plan.Batch(b);
    ASSERT_EQ(batch.size(), 4 * 8);
    for (const PlannedImage& image : batch) {
      const PairIndex::Vehicle& vehicle = index.vehicle(image.vehicle);
      ASSERT_GE(image.record, vehicle.first());
      ASSERT_LT(image.record, vehicle.first() + vehicle.count());
    }
    for (int s = 0; s < 4; ++s) {
      std::set<uint32_t> vehicles;
      for (int r = 0; r < 8; ++r) vehicles.insert(batch[8 * s + r].vehicle);
      EXPECT_EQ(vehicles.size(), 1 + 5);
      for (int r = 0; r < 3; ++r) {
        EXPECT_EQ(batch[8 * s + r].vehicle, batch[8 * s].vehicle);
      }
    }
  }
}

TEST(PairSetPlanTest, TestShortVehiclesRepeatNoMoreThanTheyMust) {
  const PairIndex index = MixedIndex(23);  // 1 .. 9 images
  const PairSetPlan plan(index, Param(1, 5, 2));
  std::set<uint32_t> images_seen;
  for (int s = 0; s < 5 * 23; ++s) {
    const Batch set = plan.Batch(s);
    std::set<uint32_t> distinct;
    for (int r = 0; r < 5; ++r) distinct.insert(set[r].record);
    const uint32_t images = index.vehicle(set[0].vehicle).count();
    EXPECT_EQ(distinct.size(), std::min(images, 5u));
    images_seen.insert(images);
  }
  EXPECT_EQ(images_seen.size(), 9);
}

// What a short vehicle is filled up with is no image's privilege.
TEST(PairSetPlanTest, TestRepeatedImagesAreUniform) {
  const PairSetPlan plan(Index({{3, -1}, {3, -1}}), Param(1, 5, 1));
  for (int row : {3, 4}) {
    std::vector<int> counts(3);
    for (int s = 0; s < 3000; ++s) ++counts[plan.Batch(s)[row].record % 3];
    ExpectUniform(counts);
  }
}

TEST(PairSetPlanTest, TestSkippedVehiclesAreStillNegatives) {
  const PairIndex index = MixedIndex(23);
  PairSetDataParameter param = Param(1, 5, 2);
  param.set_short_vehicles(PairSetDataParameter::SKIP);
  const PairSetPlan plan(index, param);
  std::set<uint32_t> eligible, positive, short_negative;
  for (int v = 0; v < 23; ++v) {
    if (index.vehicle(v).count() >= 5) eligible.insert(v);
  }
  EXPECT_EQ(plan.epoch_sets(), eligible.size());
  for (int s = 0; s < 600; ++s) {
    const Batch set = plan.Batch(s);
    positive.insert(set[0].vehicle);
    for (int r = 5; r < 7; ++r) {
      if (!eligible.count(set[r].vehicle)) {
        short_negative.insert(set[r].vehicle);
      }
    }
  }
  EXPECT_EQ(positive, eligible);
  EXPECT_EQ(short_negative.size(), 23 - eligible.size());
}

// Batches of 4 sets end in the middle of an epoch of 23.
TEST(PairSetPlanTest, TestAnEpochShowsEveryVehicleOnce) {
  const PairSetPlan plan(MixedIndex(23), Param(4, 3, 5));
  std::vector<uint32_t> stream;
  for (int b = 0; b < 23; ++b) {
    const Batch batch = plan.Batch(b);
    for (int s = 0; s < 4; ++s) stream.push_back(batch[8 * s].vehicle);
  }
  EXPECT_EQ(plan.epoch_sets(), 23);
  std::set<std::vector<uint32_t> > orders;
  for (int epoch = 0; epoch < 4; ++epoch) {
    const auto begin = stream.begin() + 23 * epoch;
    EXPECT_EQ(std::set<uint32_t>(begin, begin + 23).size(), 23);
    orders.insert(std::vector<uint32_t>(begin, begin + 23));
  }
  EXPECT_EQ(orders.size(), 4);
}

TEST(PairSetPlanTest, TestEpochOrdersAreUniform) {
  const PairSetPlan plan(MixedIndex(12), Param(1, 1, 1));
  const std::vector<uint32_t> stream = Positives(plan, 12 * 600);
  for (int place : {0, 5, 11}) {
    std::vector<int> counts(12);
    for (int epoch = 0; epoch < 600; ++epoch) {
      ++counts[stream[12 * epoch + place]];
    }
    ExpectUniform(counts);
  }
}

TEST(PairSetPlanTest, TestPositiveImagesAreUniform) {
  const PairSetPlan plan(Index({{8, -1}, {8, -1}}), Param(1, 3, 1));
  for (int row = 0; row < 3; ++row) {
    std::vector<int> counts(8);
    for (int s = 0; s < 4000; ++s) ++counts[plan.Batch(s)[row].record % 8];
    ExpectUniform(counts);
  }
}

// Over whole epochs every vehicle is a positive, and so not a negative, alike.
TEST(PairSetPlanTest, TestNegativesAreUniform) {
  std::vector<std::pair<int, int> > vehicles(10, {4, -1});
  const PairSetPlan plan(Index(vehicles), Param(1, 2, 3));
  for (int row = 2; row < 5; ++row) {
    std::vector<int> vehicle(10), image(4), beside_zero(10);
    for (int s = 0; s < 6000; ++s) {
      const Batch set = plan.Batch(s);
      ++vehicle[set[row].vehicle];
      ++image[set[row].record % 4];
      if (set[0].vehicle == 0) ++beside_zero[set[row].vehicle];
    }
    ExpectUniform(vehicle);
    ExpectUniform(image);
    EXPECT_EQ(beside_zero[0], 0);
    ExpectUniform(std::vector<int>(beside_zero.begin() + 1, beside_zero.end()));
  }
}

class HardNegativesTest : public ::testing::Test {
 protected:
  // The negatives of each set that have its positive's model.
  std::vector<int> Alike(float share, int sets) {
    PairSetDataParameter param = Param(1, 1, 5);
    param.set_hard_negatives(share);
    const PairSetPlan plan(index_, param);
    std::vector<int> alike;
    for (int s = 0; s < sets; ++s) {
      const Batch set = plan.Batch(s);
      std::set<uint32_t> distinct;
      int count = 0;
      for (const PlannedImage& image : set) {
        distinct.insert(image.vehicle);
        count += Model(image) == Model(set[0]);
      }
      EXPECT_EQ(distinct.size(), 6);
      alike.push_back(count - 1);
    }
    return alike;
  }

  int Model(const PlannedImage& image) const {
    return index_.vehicle(image.vehicle).model_id();
  }

  PairIndex index_;
};

// Of 60,000 vehicles four share a model: chance adds none with this seed.
TEST_F(HardNegativesTest, TestTheShareIsMetExactly) {
  std::vector<std::pair<int, int> > vehicles;
  for (int v = 0; v < 60000; ++v) vehicles.push_back({2, v / 4});
  index_ = Index(vehicles);
  EXPECT_EQ(Alike(0, 100), std::vector<int>(100, 0));
  // One of five, and not none in some sets because a float is not 0.2.
  EXPECT_EQ(Alike(.2f, 100), std::vector<int>(100, 1));
  EXPECT_EQ(Alike(.6f, 100), std::vector<int>(100, 3));
  const std::vector<int> alike = Alike(.3f, 100);
  for (int s = 0; s < 100; s += 2) EXPECT_EQ(alike[s] + alike[s + 1], 3);
  const std::vector<int> rare = Alike(.02f, 100);
  EXPECT_EQ(std::accumulate(rare.begin(), rare.end(), 0), 10);
}

TEST_F(HardNegativesTest, TestARareModelIsFilled) {
  std::vector<std::pair<int, int> > vehicles;
  for (int v = 0; v < 60000; ++v) vehicles.push_back({2, v / 4});
  index_ = Index(vehicles);
  EXPECT_EQ(Alike(1, 100), std::vector<int>(100, 3));
}

TEST_F(HardNegativesTest, TestUnlabelledVehiclesAreNotAlike) {
  // Vehicles 0 .. 2 have a model, 3 .. 19 have none.
  std::vector<std::pair<int, int> > vehicles(20, {2, -1});
  for (int v = 0; v < 3; ++v) vehicles[v].second = 0;
  index_ = Index(vehicles);
  PairSetDataParameter param = Param(1, 1, 5);
  param.set_hard_negatives(1);
  const PairSetPlan plan(index_, param);
  std::set<uint32_t> beside_unlabelled;
  for (int s = 0; s < 400; ++s) {
    const Batch set = plan.Batch(s);
    const bool labelled = set[0].vehicle < 3;
    int alike = 0;
    for (int r = 1; r < 6; ++r) {
      alike += set[r].vehicle < 3;
      if (!labelled) beside_unlabelled.insert(set[r].vehicle);
    }
    if (labelled) {
      EXPECT_EQ(alike, 2);
    }
  }
  EXPECT_EQ(beside_unlabelled.size(), 20);
}

TEST_F(HardNegativesTest, TestHardNegativesAreUniform) {
  std::vector<std::pair<int, int> > vehicles;
  for (int v = 0; v < 18; ++v) vehicles.push_back({1, v % 3});
  index_ = Index(vehicles);
  PairSetDataParameter param = Param(1, 1, 3);
  param.set_hard_negatives(1);
  const PairSetPlan plan(index_, param);
  for (int row = 1; row < 4; ++row) {
    std::vector<int> counts(18);
    for (int s = 0; s < 18 * 200; ++s) {
      const Batch set = plan.Batch(s);
      ASSERT_EQ(Model(set[row]), Model(set[0]));
      ++counts[set[row].vehicle];
    }
    ExpectUniform(counts);
  }
}

TEST(PairSetPlanTest, TestTooFewVehicles) {
  EXPECT_EQ(WhatIsThrown(MixedIndex(6), Param(1, 2, 5)), "");
  EXPECT_EQ(WhatIsThrown(MixedIndex(5), Param(1, 2, 5)),
            "too few vehicles: a set needs 6 (one, and one for each of 5 "
            "negatives), there are 5\n  where: the/lmdb\n  next: use more "
            "vehicles, or smaller sets (positives, negatives)");
  EXPECT_NE(WhatIsThrown(Index({}), Param(1, 2, 0)), "");
  // The only other vehicles are the negatives.
  const PairSetPlan plan(MixedIndex(6), Param(1, 1, 5));
  std::set<uint32_t> all;
  for (const PlannedImage& image : plan.Batch(0)) all.insert(image.vehicle);
  EXPECT_EQ(all.size(), 6);
}

TEST(PairSetPlanTest, TestNoVehicleLongEnough) {
  PairSetDataParameter param = Param(1, 5, 1);
  const PairIndex index = Index({{4, -1}, {4, -1}, {4, -1}});
  EXPECT_EQ(WhatIsThrown(index, param), "");
  param.set_short_vehicles(PairSetDataParameter::SKIP);
  EXPECT_NE(WhatIsThrown(index, param).find("no vehicle has the 5 images"),
            std::string::npos);
}

// No image of any batch shares its crop and mirror with another.
TEST(PairSetPlanTest, TestTransformStreamsDiffer) {
  const PairSetPlan plan(MixedIndex(23), Param(4, 3, 5));
  std::set<uint64_t> streams;
  for (int b = 0; b < 100; ++b) {
    for (int i = 0; i < 32; ++i) {
      CounterRng rng = plan.TransformRng(b, i);
      const uint64_t high = rng.Next();
      streams.insert(high << 32 | rng.Next());
    }
  }
  EXPECT_EQ(streams.size(), 100 * 32);
}

}  // namespace
}  // namespace drdl
