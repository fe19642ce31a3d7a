#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/triplet_loss_layer.hpp"
#include "caffe/test/test_caffe_main.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "gtest/gtest.h"
#include "refused.hpp"
#include "set_batch.hpp"

namespace caffe {

/// Shows which triplets were taken.
template <typename Dtype>
class OpenTripletLossLayer : public TripletLossLayer<Dtype> {
 public:
  using TripletLossLayer<Dtype>::TripletLossLayer;
  std::vector<int> Triplets() const {
    const int* rows = this->triplet_.cpu_data();
    return std::vector<int>(rows, rows + this->triplet_.count());
  }
};

/// Eq. (3) once more, by plain loops in double over given triplets.
struct NaiveTriplets {
  double top[4] = {0, 0, 0, 0};
  std::vector<double> gradient[3];
  double kink = 1e30;  // distance from the hinge
  int active = 0;

  template <typename Dtype>
  NaiveTriplets(const Blob<Dtype>& a, const Blob<Dtype>& p,
                const Blob<Dtype>& n, const std::vector<int>& triplets,
                double margin, int sets) {
    const int dim = a.count(1), count = triplets.size() / 3;
    for (auto& g : gradient) g.resize(a.count());
    for (int t = 0; t < count; ++t) {
      const int* row = &triplets[3 * t];
      const double positive = RowDistance(a, row[0], p, row[1]);
      const double negative = RowDistance(a, row[0], n, row[2]);
      const double h = positive + margin - negative;
      kink = std::min(kink, std::fabs(h));
      active += h > 0;
      top[0] += std::max(0., h) / sets;
      top[1] += (h > 0) / static_cast<double>(count);
      top[2] += positive / count;
      top[3] += negative / count;
      for (int d = 0; h > 0 && d < dim; ++d) {
        const double fa = a.cpu_data()[row[0] * dim + d];
        const double fp = p.cpu_data()[row[1] * dim + d];
        const double fn = n.cpu_data()[row[2] * dim + d];
        // |a-p|^2 and -|a-n|^2 term by term, not yet simplified.
        gradient[0][row[0] * dim + d] += (2 * (fa - fp) - 2 * (fa - fn)) / sets;
        gradient[1][row[1] * dim + d] -= 2 * (fa - fp) / sets;
        gradient[2][row[2] * dim + d] += 2 * (fa - fn) / sets;
      }
    }
  }

  /// Of one bottom that plays all three roles.
  std::vector<double> Sum() const {
    std::vector<double> sum = gradient[0];
    for (size_t i = 0; i < sum.size(); ++i) {
      sum[i] += gradient[1][i] + gradient[2][i];
    }
    return sum;
  }
};

template <typename TypeParam>
class TripletLossLayerTest : public MultiDeviceTest<TypeParam> {
 protected:
  using Dtype = typename TypeParam::Dtype;

  TripletLossLayerTest()
      : bottom_({&features_, &ids_}),
        rows_({&features_, &second_, &third_}),
        top_({&loss_, &active_, &positive_, &negative_}) {}

  static LayerParameter Param(int positives, int negatives, double margin,
                              TripletLossParameter::Sampling sampling,
                              int seed = 1) {
    LayerParameter param;
    param.set_name("triplet");
    TripletLossParameter* ours = param.mutable_triplet_loss_param();
    ours->set_positives(positives);
    ours->set_negatives(negatives);
    ours->set_margin(margin);
    ours->set_sampling(sampling);
    ours->set_seed(seed);
    return param;
  }

  void Shape(int sets, int positives, int negatives, int dim) {
    features_.Reshape({sets * (positives + negatives), dim});
    ids_.Reshape({sets * (positives + negatives)});
    FillIds(positives, negatives, &ids_);
  }

  std::vector<int> Forward(OpenTripletLossLayer<Dtype>* layer) {
    layer->Forward(bottom_, top_);
    return layer->Triplets();
  }

  /// The farthest positive and the nearest negative, and how clearly so.
  std::vector<int> Hard(int positives, int negatives, double* gap) {
    std::vector<int> triplets;
    const int rows = positives + negatives;
    for (int r = 0; r < features_.shape(0); ++r) {
      const int first = r - r % rows;
      if (r - first >= positives) continue;
      int far = -1, near = -1;
      auto distance = [&](int row) {
        return RowDistance(features_, r, features_, row);
      };
      for (int i = first; i < first + positives; ++i) {
        if (i == r) continue;
        if (far >= 0) {
          *gap = std::min(*gap, std::fabs(distance(i) - distance(far)));
        }
        if (far < 0 || distance(i) > distance(far)) far = i;
      }
      for (int i = first + positives; i < first + rows; ++i) {
        if (near >= 0) {
          *gap = std::min(*gap, std::fabs(distance(i) - distance(near)));
        }
        if (near < 0 || distance(i) < distance(near)) near = i;
      }
      triplets.insert(triplets.end(), {r, far, near});
    }
    return triplets;
  }

  /// Two sets of 3 + 4 that are fit for a gradient check.
  void FillForChecks(double margin, TripletLossParameter::Sampling sampling) {
    Shape(2, 3, 4, 5);
    OpenTripletLossLayer<Dtype> layer(Param(3, 4, margin, sampling));
    layer.SetUp(bottom_, top_);
    for (uint32_t seed = 0; seed < 100000; ++seed) {
      FillUniform(seed, 3, &features_);
      double gap = 1e30;
      const std::vector<int> hard = Hard(3, 4, &gap);
      if (sampling == TripletLossParameter::HARD && gap < 0.3) continue;
      const NaiveTriplets naive(
          features_, features_, features_,
          sampling == TripletLossParameter::HARD ? hard : Forward(&layer),
          margin, 2);
      if (naive.kink > 0.5 && naive.active > 1 && naive.active < 6 &&
          MaxAbs(naive.Sum()) >= 1) {
        return;
      }
    }
    FAIL() << "no batch is fit for a gradient check";
  }

  /// Three bottoms of eight rows that are fit for a gradient check.
  void FillRowsForChecks(double margin) {
    std::vector<int> triplets;
    for (int t = 0; t < 8; ++t) triplets.insert(triplets.end(), 3, t);
    for (Blob<Dtype>* blob : rows_) blob->Reshape({8, 5});
    for (uint32_t seed = 0; seed < 100000; ++seed) {
      for (int i = 0; i < 3; ++i) FillUniform(3 * seed + i, 4, rows_[i]);
      const NaiveTriplets naive(features_, second_, third_, triplets, margin,
                                8);
      if (naive.kink > 0.5 && naive.active > 1 && naive.active < 8 &&
          MaxAbs(naive.gradient[0]) >= 1 && MaxAbs(naive.gradient[1]) >= 1 &&
          MaxAbs(naive.gradient[2]) >= 1) {
        row_triplets_ = triplets;
        return;
      }
    }
    FAIL() << "no batch is fit for a gradient check";
  }

  void ExpectTops(const NaiveTriplets& naive) {
    for (int i = 0; i < 4; ++i) {
      EXPECT_NEAR(top_[i]->cpu_data()[0], naive.top[i],
                  1e-5 * (1 + naive.top[i]))
          << "top " << i;
    }
  }

  static void ExpectDiff(const Blob<Dtype>& blob, double weight,
                         const std::vector<double>& expected) {
    for (int i = 0; i < blob.count(); ++i) {
      EXPECT_NEAR(blob.cpu_diff()[i], weight * expected[i], 1e-4) << i;
    }
  }

  void Dirty(Blob<Dtype>* blob) {
    caffe_set(blob->count(), Dtype(77), blob->mutable_cpu_diff());
  }

  Blob<Dtype> features_, ids_, second_, third_;
  Blob<Dtype> loss_, active_, positive_, negative_;
  std::vector<int> row_triplets_;
  vector<Blob<Dtype>*> bottom_, rows_, top_;
};

TYPED_TEST_SUITE(TripletLossLayerTest, TestDtypesAndDevices);

// The triplets were drawn by the NumPy reference, see
// tests/unit/test_reference.py.
TYPED_TEST(TripletLossLayerTest, TestRandomDrawsTheReferencesTriplets) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(2, 3, 4, 2);
  FillUniform(1, 1, &this->features_);
  OpenTripletLossLayer<Dtype> layer(
      this->Param(3, 4, 1, TripletLossParameter::RANDOM));
  layer.SetUp(this->bottom_, this->top_);
  FillData({7, 7, 7, 1, 2, 3, 4, 7, 7, 7, 1, 2, 3, 4}, &this->ids_);
  const std::vector<int> drawn = {0, 2, 3,  1, 2, 5,  2, 1, 4,
                                  7, 9, 12, 8, 9, 12, 9, 8, 12};
  EXPECT_EQ(this->Forward(&layer), drawn);
  EXPECT_EQ(this->Forward(&layer), drawn) << "no state may be left behind";

  FillData({8, 8, 8, 1, 2, 3, 4, 7, 7, 7, 1, 2, 3, 4}, &this->ids_);
  EXPECT_NE(this->Forward(&layer), drawn) << "the ids name the draws";
  FillData({7, 7, 7, 1, 2, 3, 4, 7, 7, 7, 1, 2, 3, 4}, &this->ids_);
  OpenTripletLossLayer<Dtype> other(
      this->Param(3, 4, 1, TripletLossParameter::RANDOM, 2));
  other.SetUp(this->bottom_, this->top_);
  EXPECT_NE(this->Forward(&other), drawn) << "the seed names the draws";

  OpenTripletLossLayer<Dtype> without(
      this->Param(3, 4, 1, TripletLossParameter::RANDOM));
  without.SetUp({&this->features_}, this->top_);
  without.Forward({&this->features_}, this->top_);
  const std::vector<int> no_ids = {0, 2, 5,  1, 0, 4,  2, 0, 4,
                                   7, 8, 12, 8, 9, 11, 9, 7, 13};
  EXPECT_EQ(without.Triplets(), no_ids);
}

TYPED_TEST(TripletLossLayerTest, TestRandomReachesAllOfItsSetAndNothingElse) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(2, 3, 4, 2);
  FillUniform(1, 1, &this->features_);
  std::set<std::pair<int, int>> positives, negatives;
  for (int seed = 0; seed < 60; ++seed) {
    OpenTripletLossLayer<Dtype> layer(
        this->Param(3, 4, 1, TripletLossParameter::RANDOM, seed));
    layer.SetUp(this->bottom_, this->top_);
    const std::vector<int> triplets = this->Forward(&layer);
    for (int t = 0; t < 6; ++t) {
      const int a = triplets[3 * t], p = triplets[3 * t + 1];
      const int n = triplets[3 * t + 2], first = t / 3 * 7;
      EXPECT_EQ(a, first + t % 3);
      EXPECT_NE(p, a);
      EXPECT_TRUE(p >= first && p < first + 3) << p;
      EXPECT_TRUE(n >= first + 3 && n < first + 7) << n;
      positives.insert({a, p});
      negatives.insert({a, n});
    }
  }
  EXPECT_EQ(positives.size(), 2 * 3 * 2);
  EXPECT_EQ(negatives.size(), 2 * 3 * 4);
}

TYPED_TEST(TripletLossLayerTest, TestSetsAgainstNaiveLoops) {
  using Dtype = typename TypeParam::Dtype;
  for (auto sampling :
       {TripletLossParameter::RANDOM, TripletLossParameter::HARD}) {
    this->FillForChecks(2, sampling);
    OpenTripletLossLayer<Dtype> layer(this->Param(3, 4, 2, sampling));
    layer.SetUp(this->bottom_, this->top_);
    const std::vector<int> triplets = this->Forward(&layer);
    if (sampling == TripletLossParameter::HARD) {
      double gap = 1e30;
      EXPECT_EQ(triplets, this->Hard(3, 4, &gap));
    }
    const NaiveTriplets naive(this->features_, this->features_, this->features_,
                              triplets, 2, 2);
    this->ExpectTops(naive);
    this->Dirty(&this->features_);
    this->loss_.mutable_cpu_diff()[0] = 1.5;
    layer.Backward(this->top_, {true, false}, this->bottom_);
    this->ExpectDiff(this->features_, 1.5, naive.Sum());
  }
}

// More columns than a block has threads, more triplets than it has warps.
TYPED_TEST(TripletLossLayerTest, TestLaterBatchMayBeLarger) {
  using Dtype = typename TypeParam::Dtype;
  for (auto sampling :
       {TripletLossParameter::RANDOM, TripletLossParameter::HARD}) {
    this->Shape(1, 6, 5, 3);
    FillUniform(1, 1, &this->features_);
    OpenTripletLossLayer<Dtype> layer(this->Param(6, 5, 1, sampling));
    layer.SetUp(this->bottom_, this->top_);
    layer.Forward(this->bottom_, this->top_);
    this->Shape(7, 6, 5, 300);
    FillUniform(2, 1, &this->features_);
    const std::vector<int> triplets = this->Forward(&layer);
    if (sampling == TripletLossParameter::HARD) {
      double gap = 1e30;
      EXPECT_EQ(triplets, this->Hard(6, 5, &gap));
    }
    const NaiveTriplets naive(this->features_, this->features_, this->features_,
                              triplets, 1, 7);
    this->ExpectTops(naive);
    this->Dirty(&this->features_);
    this->loss_.mutable_cpu_diff()[0] = 7;
    layer.Backward(this->top_, {true, false}, this->bottom_);
    this->ExpectDiff(this->features_, 7, naive.Sum());
  }
}

TYPED_TEST(TripletLossLayerTest, TestGradientOfSets) {
  using Dtype = typename TypeParam::Dtype;
  for (auto sampling :
       {TripletLossParameter::RANDOM, TripletLossParameter::HARD}) {
    this->FillForChecks(2, sampling);
    TripletLossLayer<Dtype> layer(this->Param(3, 4, 2, sampling));
    GradientChecker<Dtype> checker(1e-2, 1e-3);
    checker.CheckGradientExhaustive(&layer, this->bottom_, {&this->loss_}, 0);
  }
}

TYPED_TEST(TripletLossLayerTest, TestThreeBottoms) {
  using Dtype = typename TypeParam::Dtype;
  this->FillRowsForChecks(2);
  OpenTripletLossLayer<Dtype> layer(
      this->Param(5, 5, 2, TripletLossParameter::RANDOM));
  layer.SetUp(this->rows_, this->top_);
  EXPECT_TRUE(layer.AllowForceBackward(1)) << "no ids among these bottoms";
  layer.Forward(this->rows_, this->top_);
  EXPECT_EQ(layer.Triplets(), this->row_triplets_);
  const NaiveTriplets naive(this->features_, this->second_, this->third_,
                            this->row_triplets_, 2, 8);
  this->ExpectTops(naive);

  // Each bottom on its own, and then all of them.
  this->loss_.mutable_cpu_diff()[0] = 2;
  for (int which = 0; which <= 3; ++which) {
    for (Blob<Dtype>* blob : this->rows_) this->Dirty(blob);
    layer.Backward(this->top_, {which % 3 == 0, which % 2 == 1, which >= 2},
                   this->rows_);
    const std::vector<double> untouched(40, 77. / 2);
    for (int i = 0; i < 3; ++i) {
      const bool wanted = i == 0   ? which % 3 == 0
                          : i == 1 ? which % 2 == 1
                                   : which >= 2;
      this->ExpectDiff(*this->rows_[i], 2,
                       wanted ? naive.gradient[i] : untouched);
    }
  }
}

TYPED_TEST(TripletLossLayerTest, TestGradientOfThreeBottoms) {
  using Dtype = typename TypeParam::Dtype;
  this->FillRowsForChecks(2);
  TripletLossLayer<Dtype> layer(
      this->Param(5, 5, 2, TripletLossParameter::RANDOM));
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  checker.CheckGradientExhaustive(&layer, this->rows_, {&this->loss_});
}

TYPED_TEST(TripletLossLayerTest, TestHardTiesGoToTheLowestRow) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(1, 3, 3, 1);
  FillData({0, 1, -1, 5, 3, -3}, &this->features_);
  OpenTripletLossLayer<Dtype> layer(
      this->Param(3, 3, 1, TripletLossParameter::HARD));
  layer.SetUp(this->bottom_, this->top_);
  EXPECT_EQ(this->Forward(&layer),
            std::vector<int>({0, 1, 4, 1, 2, 4, 2, 1, 5}));
  // Of a collapsed net everything ties; no anchor is its own positive.
  FillData({0, 0, 0, 0, 0, 0}, &this->features_);
  EXPECT_EQ(this->Forward(&layer),
            std::vector<int>({0, 1, 3, 1, 0, 3, 2, 0, 3}));
}

TYPED_TEST(TripletLossLayerTest, TestIdsAreVerified) {
  using Dtype = typename TypeParam::Dtype;
  for (auto sampling :
       {TripletLossParameter::RANDOM, TripletLossParameter::HARD}) {
    this->FillForChecks(2, sampling);
    TripletLossLayer<Dtype> layer(this->Param(3, 4, 2, sampling));
    layer.SetUp(this->bottom_, this->top_);
    EXPECT_EQ(Refusal(&layer, this->bottom_, this->top_), "");
    EXPECT_FALSE(layer.AllowForceBackward(1));
    this->ids_.mutable_cpu_data()[12] = 101;
    const string refusal = Refusal(&layer, this->bottom_, this->top_);
    EXPECT_NE(refusal.find("set 1, row 5 is a negative with vehicle id 101"),
              string::npos)
        << refusal;
  }
}

TYPED_TEST(TripletLossLayerTest, TestNanAndInfinityAreNeverHidden) {
  using Dtype = typename TypeParam::Dtype;
  typedef std::numeric_limits<Dtype> Limits;
  this->FillForChecks(2, TripletLossParameter::HARD);
  TripletLossLayer<Dtype> hard(
      this->Param(3, 4, 2, TripletLossParameter::HARD));
  OpenTripletLossLayer<Dtype> random(
      this->Param(3, 4, 2, TripletLossParameter::RANDOM));
  hard.SetUp(this->bottom_, this->top_);
  random.SetUp(this->bottom_, this->top_);
  const std::vector<int> drawn = this->Forward(&random);
  for (int i = 0; i < this->features_.count(); ++i) {
    const Dtype good = this->features_.cpu_data()[i];
    const bool used = std::count(drawn.begin(), drawn.end(), i / 5) > 0;
    for (Dtype bad : {Limits::quiet_NaN(), Limits::infinity()}) {
      this->features_.mutable_cpu_data()[i] = bad;
      hard.Forward(this->bottom_, this->top_);
      EXPECT_TRUE(std::isnan(this->loss_.cpu_data()[0])) << i;
      random.Forward(this->bottom_, this->top_);
      EXPECT_EQ(std::isnan(this->loss_.cpu_data()[0]), used) << i;
    }
    this->features_.mutable_cpu_data()[i] = good;
  }
}

TYPED_TEST(TripletLossLayerTest, TestLossWeightIsTheFirstTops) {
  using Dtype = typename TypeParam::Dtype;
  this->FillForChecks(2, TripletLossParameter::HARD);
  LayerParameter param = this->Param(3, 4, 2, TripletLossParameter::HARD);
  param.add_loss_weight(.5);
  TripletLossLayer<Dtype> layer(param);
  layer.SetUp(this->bottom_, this->top_);
  const Dtype weighted = layer.Forward(this->bottom_, this->top_);
  EXPECT_GT(weighted, .1);
  EXPECT_NEAR(weighted, .5 * this->loss_.cpu_data()[0], 1e-5 * weighted);
  EXPECT_EQ(layer.loss(3), 0);
}

class TripletLossLayerMistakesTest : public CPUDeviceTest<float> {
 protected:
  static void SetUpLayer(int positives, const vector<Blob<float>*>& bottom) {
    Blob<float> loss;
    LayerParameter param;
    param.mutable_triplet_loss_param()->set_positives(positives);
    TripletLossLayer<float> layer(param);
    layer.SetUp(bottom, {&loss});
  }
};

TEST_F(TripletLossLayerMistakesTest, TestMistakesInNets) {
  Blob<float> ten({10, 2}), nine({9, 2});
  EXPECT_REFUSED(SetUpLayer(1, {&ten}), "at least 2 positives in a set, got 1");
  EXPECT_REFUSED(SetUpLayer(5, {&nine}), "= 10 rows, got 9");
  EXPECT_REFUSED(SetUpLayer(5, {&ten, &nine}), "each of 10 rows, got 18");
  EXPECT_REFUSED(SetUpLayer(5, {&ten, &ten, &nine}),
                 "one shape, got 10 2 (20) and bottom 2 of 9 2 (18)");
}

}  // namespace caffe
