#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/coupled_clusters_loss_layer.hpp"
#include "caffe/test/test_caffe_main.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "gtest/gtest.h"
#include "refused.hpp"
#include "set_batch.hpp"

namespace caffe {

using Mode = CoupledClustersLossParameter;

/// Eq. (4)-(8) once more, by plain loops in double.
struct NaiveClusters {
  double top[4] = {0, 0, 0, 0};
  std::vector<double> gradient;
  double kink = 1e30;  // distance from the hinge and from another nearest row
  bool mixed = false;  // a set with several active positives and one that isn't

  template <typename Dtype>
  NaiveClusters(const Blob<Dtype>& features, int positives, int negatives,
                double margin, Mode::Gradient mode)
      : gradient(features.count()) {
    const int rows = positives + negatives, dim = features.count(1);
    const int sets = features.shape(0) / rows;
    for (int s = 0; s < sets; ++s) {
      const int first = s * rows;
      Blob<double> f({rows, dim}), centre({1, dim});
      for (int i = 0; i < f.count(); ++i) {
        f.mutable_cpu_data()[i] = features.cpu_data()[first * dim + i];
      }
      for (int d = 0; d < dim; ++d) {
        double sum = 0;
        for (int i = 0; i < positives; ++i) sum += f.cpu_data()[i * dim + d];
        centre.mutable_cpu_data()[d] = sum / positives;
      }
      std::vector<double> distance;
      for (int r = 0; r < rows; ++r) {
        distance.push_back(RowDistance(f, r, centre, 0));
      }
      int near = positives;
      for (int r = positives; r < rows; ++r) {
        if (distance[r] < distance[near]) near = r;
      }
      for (int r = positives; r < rows; ++r) {
        if (r != near) kink = std::min(kink, distance[r] - distance[near]);
      }
      std::vector<int> active;
      for (int i = 0; i < positives; ++i) {
        const double h = distance[i] + margin - distance[near];
        kink = std::min(kink, std::fabs(h));
        if (h > 0) active.push_back(i);
        top[0] += std::max(0., h) / 2 / sets;
        top[2] += distance[i] / positives / sets;
      }
      top[1] += 1. * active.size() / positives / sets;
      top[3] += distance[near] / sets;
      mixed |= active.size() > 1 && active.size() < positives;

      auto add = [&](int row, double factor, const Blob<double>& blob,
                     int from) {
        for (int d = 0; d < dim; ++d) {
          gradient[(first + row) * dim + d] +=
              factor / sets * blob.cpu_data()[from * dim + d];
        }
      };
      for (size_t k = 0; k < active.size(); ++k) {
        add(active[k], 1, f, active[k]);  // Eq. (7)
        add(active[k], -1, centre, 0);
        if (mode != Mode::PAPER || k == 0) {  // Eq. (8), once or every time
          add(near, 1, centre, 0);
          add(near, -1, f, near);
        }
        for (int i = 0; mode == Mode::EXACT && i < positives; ++i) {
          add(i, 1. / positives, f, near);
          add(i, -1. / positives, f, active[k]);
        }
      }
    }
  }
};

template <typename TypeParam>
class CoupledClustersLossLayerTest : public MultiDeviceTest<TypeParam> {
 protected:
  using Dtype = typename TypeParam::Dtype;

  CoupledClustersLossLayerTest()
      : bottom_({&features_, &ids_}),
        top_({&loss_, &active_, &positive_, &negative_}) {}

  static LayerParameter Param(int positives, int negatives, double margin,
                              Mode::Gradient mode = Mode::EXACT) {
    LayerParameter param;
    param.set_name("ccl");
    Mode* ours = param.mutable_coupled_clusters_loss_param();
    ours->set_positives(positives);
    ours->set_negatives(negatives);
    ours->set_margin(margin);
    ours->set_gradient(mode);
    return param;
  }

  void Shape(int sets, int positives, int negatives, int dim) {
    features_.Reshape({sets * (positives + negatives), dim});
    ids_.Reshape({sets * (positives + negatives)});
    FillIds(positives, negatives, &ids_);
  }

  /// Three sets of 3 + 4 far from every kink, with gradients of at least one.
  void FillForChecks(double margin) {
    Shape(3, 3, 4, 5);
    for (uint32_t seed = 0; seed < 100000; ++seed) {
      FillUniform(seed, 3, &features_);
      const NaiveClusters naive(features_, 3, 4, margin, Mode::EXACT);
      if (naive.kink > 0.5 && naive.mixed && MaxAbs(naive.gradient) >= 1) {
        return;
      }
    }
    FAIL() << "no batch is fit for a gradient check";
  }

  /// Backward for d(loss) = weight, over a diff full of rubbish.
  void Backward(Layer<Dtype>* layer, double weight) {
    caffe_set(features_.count(), Dtype(77), features_.mutable_cpu_diff());
    loss_.mutable_cpu_diff()[0] = weight;
    layer->Backward(top_, {true, false}, bottom_);
  }

  void ExpectNaive(const NaiveClusters& naive, double weight) {
    for (int i = 0; i < 4; ++i) {
      EXPECT_NEAR(top_[i]->cpu_data()[0], naive.top[i],
                  1e-5 * (1 + naive.top[i]))
          << "top " << i;
    }
    for (int i = 0; i < features_.count(); ++i) {
      EXPECT_NEAR(features_.cpu_diff()[i], weight * naive.gradient[i], 1e-5)
          << "gradient " << i;
    }
  }

  void ExpectGradient(const std::vector<double>& expected) {
    for (int i = 0; i < features_.count(); ++i) {
      EXPECT_NEAR(features_.cpu_diff()[i], expected[i], 2e-6) << i;
    }
  }

  Blob<Dtype> features_, ids_;
  Blob<Dtype> loss_, active_, positive_, negative_;
  vector<Blob<Dtype>*> bottom_, top_;
};

TYPED_TEST_SUITE(CoupledClustersLossLayerTest, TestDtypesAndDevices);

// Both fixtures were worked out by hand from Eq. (4)-(8).
TYPED_TEST(CoupledClustersLossLayerTest, TestFixtureAllActive) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(1, 3, 2, 2);
  FillData({1, 0, 0, 1, .6, .8, .8, -.6, .8, .6}, &this->features_);
  for (auto mode : {Mode::PAPER, Mode::CENTER_CONSTANT, Mode::EXACT}) {
    CoupledClustersLossLayer<Dtype> layer(this->Param(3, 2, .5, mode));
    layer.SetUp(this->bottom_, this->top_);
    EXPECT_NEAR(layer.Forward(this->bottom_, this->top_), 1.176667, 2e-6);
    EXPECT_EQ(this->active_.cpu_data()[0], 1);
    this->Backward(&layer, 1);
    const double c[2] = {.533333, .6}, pull[2] = {.8 - c[0], .6 - c[1]};
    const double push = mode == Mode::PAPER ? -.266667 : -.8;
    if (mode == Mode::EXACT) {
      this->ExpectGradient({.466667 + pull[0], -.6 + pull[1],  //
                            -.533333 + pull[0], .4 + pull[1],  //
                            .066667 + pull[0], .2 + pull[1],   //
                            0, 0, push, 0});
    } else {
      this->ExpectGradient(
          {.466667, -.6, -.533333, .4, .066667, .2, 0, 0, push, 0});
    }
  }
}

TYPED_TEST(CoupledClustersLossLayerTest, TestFixturePartlyActive) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(1, 3, 2, 2);
  FillData({1, 0, 0, 1, .6, .8, 0, -1, -1, 0}, &this->features_);
  for (auto mode : {Mode::PAPER, Mode::CENTER_CONSTANT, Mode::EXACT}) {
    CoupledClustersLossLayer<Dtype> layer(this->Param(3, 2, 2.2, mode));
    layer.SetUp(this->bottom_, this->top_);
    EXPECT_NEAR(layer.Forward(this->bottom_, this->top_), .033333, 2e-6);
    EXPECT_NEAR(this->active_.cpu_data()[0], 1. / 3, 1e-6);
    this->Backward(&layer, 1);
    if (mode == Mode::EXACT) {  // inactive positives move too
      this->ExpectGradient(
          {-.2, -.6, -.666667, 0, -.666667, 0, 0, 0, 1.533333, .6});
    } else {
      this->ExpectGradient({.466667, -.6, 0, 0, 0, 0, 0, 0, 1.533333, .6});
    }
  }
}

TYPED_TEST(CoupledClustersLossLayerTest, TestAgainstNaiveLoops) {
  using Dtype = typename TypeParam::Dtype;
  this->FillForChecks(2);
  for (auto mode : {Mode::PAPER, Mode::CENTER_CONSTANT, Mode::EXACT}) {
    CoupledClustersLossLayer<Dtype> layer(this->Param(3, 4, 2, mode));
    layer.SetUp(this->bottom_, this->top_);
    layer.Forward(this->bottom_, this->top_);
    this->Backward(&layer, 1.5);
    this->ExpectNaive(NaiveClusters(this->features_, 3, 4, 2, mode), 1.5);
  }
}

// More columns than a block has threads, more rows than it has warps, more
// sets than the reduction has threads; features of four axes.
TYPED_TEST(CoupledClustersLossLayerTest, TestLargeShapes) {
  using Dtype = typename TypeParam::Dtype;
  const std::vector<std::vector<int>> shapes = {
      {2, 7, 11, 600}, {300, 1, 2, 3}, {1, 2, 40, 33}};
  for (const std::vector<int>& s : shapes) {
    this->Shape(s[0], s[1], s[2], s[3]);
    FillUniform(5, 1, &this->features_);
    this->features_.Reshape({s[0] * (s[1] + s[2]), s[3] / 3, 3, 1});
    CoupledClustersLossLayer<Dtype> layer(this->Param(s[1], s[2], 1));
    layer.SetUp(this->bottom_, this->top_);
    layer.Forward(this->bottom_, this->top_);
    this->Backward(&layer, s[0]);
    this->ExpectNaive(
        NaiveClusters(this->features_, s[1], s[2], 1, Mode::EXACT), s[0]);
  }
}

TYPED_TEST(CoupledClustersLossLayerTest, TestGradientExact) {
  using Dtype = typename TypeParam::Dtype;
  this->FillForChecks(2);
  CoupledClustersLossLayer<Dtype> layer(this->Param(3, 4, 2));
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  checker.CheckGradientExhaustive(&layer, this->bottom_, {&this->loss_}, 0);
}

TYPED_TEST(CoupledClustersLossLayerTest, TestExactIgnoresTranslation) {
  using Dtype = typename TypeParam::Dtype;
  this->FillForChecks(2);
  CoupledClustersLossLayer<Dtype> layer(this->Param(3, 4, 2));
  layer.SetUp(this->bottom_, this->top_);
  layer.Forward(this->bottom_, this->top_);
  this->Backward(&layer, 1);
  for (int d = 0; d < 5; ++d) {
    double sum = 0;
    for (int r = 0; r < 21; ++r) sum += this->features_.cpu_diff()[r * 5 + d];
    EXPECT_NEAR(sum, 0, 1e-5);
  }
}

TYPED_TEST(CoupledClustersLossLayerTest, TestOnePositiveOneNegative) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(1, 1, 1, 2);
  FillData({1, 2, 2, 0}, &this->features_);  // h = 0 + 8 - 5
  CoupledClustersLossLayer<Dtype> layer(this->Param(1, 1, 8));
  layer.SetUp(this->bottom_, this->top_);
  EXPECT_EQ(layer.Forward(this->bottom_, this->top_), 1.5);
  EXPECT_EQ(this->positive_.cpu_data()[0], 0);
  EXPECT_EQ(this->negative_.cpu_data()[0], 5);
  this->Backward(&layer, 1);
  this->ExpectGradient({1, -2, -1, 2});
  GradientChecker<Dtype> checker(1e-2, 1e-3);
  CoupledClustersLossLayer<Dtype> checked(this->Param(1, 1, 8));
  checker.CheckGradientExhaustive(&checked, this->bottom_, {&this->loss_}, 0);
}

TYPED_TEST(CoupledClustersLossLayerTest, TestNothingActiveIsExactlyZero) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(2, 2, 2, 1);
  FillData({0, 1, 50, -50, 0, 1, 50, -50}, &this->features_);
  for (auto mode : {Mode::PAPER, Mode::CENTER_CONSTANT, Mode::EXACT}) {
    CoupledClustersLossLayer<Dtype> layer(this->Param(2, 2, 1, mode));
    layer.SetUp(this->bottom_, this->top_);
    EXPECT_EQ(layer.Forward(this->bottom_, this->top_), 0);
    EXPECT_EQ(this->active_.cpu_data()[0], 0);
    this->Backward(&layer, 1);
    EXPECT_EQ(this->features_.asum_diff(), 0);
  }
}

// h = 0 is not active; a tie goes to the lowest row.
TYPED_TEST(CoupledClustersLossLayerTest, TestHingeEdgeAndTies) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(1, 1, 3, 1);
  FillData({0, 2, -1, 1}, &this->features_);
  CoupledClustersLossLayer<Dtype> edge(this->Param(1, 3, 1));
  edge.SetUp(this->bottom_, this->top_);
  EXPECT_EQ(edge.Forward(this->bottom_, this->top_), 0);
  EXPECT_EQ(this->active_.cpu_data()[0], 0);
  CoupledClustersLossLayer<Dtype> tie(this->Param(1, 3, 3));
  tie.SetUp(this->bottom_, this->top_);
  tie.Forward(this->bottom_, this->top_);
  this->Backward(&tie, 1);
  this->ExpectGradient({-1, 0, 1, 0});
}

TYPED_TEST(CoupledClustersLossLayerTest, TestLaterBatchMayBeLarger) {
  using Dtype = typename TypeParam::Dtype;
  this->Shape(1, 3, 4, 2);
  FillUniform(1, 3, &this->features_);
  CoupledClustersLossLayer<Dtype> layer(this->Param(3, 4, 2));
  layer.SetUp(this->bottom_, this->top_);
  layer.Forward(this->bottom_, this->top_);
  this->FillForChecks(2);
  layer.Forward(this->bottom_, this->top_);
  this->Backward(&layer, 1);
  this->ExpectNaive(NaiveClusters(this->features_, 3, 4, 2, Mode::EXACT), 1);
}

TYPED_TEST(CoupledClustersLossLayerTest, TestIdsAreOptionalAndVerified) {
  using Dtype = typename TypeParam::Dtype;
  this->FillForChecks(2);
  CoupledClustersLossLayer<Dtype> layer(this->Param(3, 4, 2));
  layer.SetUp(this->bottom_, this->top_);
  EXPECT_EQ(Refusal(&layer, this->bottom_, this->top_), "");

  this->ids_.mutable_cpu_data()[7 + 2] = 12345678;  // set 1: a stranger
  const string stranger = Refusal(&layer, this->bottom_, this->top_);
  EXPECT_NE(stranger.find("set 1, row 2 is a positive with vehicle id "
                          "12345678; the set's vehicle is 101"),
            string::npos)
      << stranger;
  EXPECT_NE(stranger.find("layer ccl, batch row 9"), string::npos);

  FillIds(3, 4, &this->ids_);
  this->ids_.mutable_cpu_data()[20] = 102;  // set 2: the last row
  const string twin = Refusal(&layer, this->bottom_, this->top_);
  EXPECT_NE(twin.find("set 2, row 6 is a negative with vehicle id 102"),
            string::npos)
      << twin;

  FillIds(3, 4, &this->ids_);
  EXPECT_EQ(Refusal(&layer, this->bottom_, this->top_), "");
  CoupledClustersLossLayer<Dtype> without(this->Param(3, 4, 2));
  without.SetUp({&this->features_}, this->top_);
  EXPECT_EQ(Refusal(&without, {&this->features_}, this->top_), "");
}

TYPED_TEST(CoupledClustersLossLayerTest, TestNanAndInfinityAreNeverHidden) {
  using Dtype = typename TypeParam::Dtype;
  typedef std::numeric_limits<Dtype> Limits;
  this->FillForChecks(2);
  CoupledClustersLossLayer<Dtype> layer(this->Param(3, 4, 2));
  layer.SetUp(this->bottom_, this->top_);
  for (int i = 0; i < this->features_.count(); ++i) {
    const Dtype good = this->features_.cpu_data()[i];
    for (Dtype bad : {Limits::quiet_NaN(), Limits::infinity()}) {
      this->features_.mutable_cpu_data()[i] = bad;
      layer.Forward(this->bottom_, this->top_);
      EXPECT_TRUE(std::isnan(this->loss_.cpu_data()[0])) << i;
    }
    this->features_.mutable_cpu_data()[i] = good;
  }
}

TYPED_TEST(CoupledClustersLossLayerTest, TestLossWeightIsTheFirstTops) {
  using Dtype = typename TypeParam::Dtype;
  this->FillForChecks(2);
  LayerParameter param = this->Param(3, 4, 2);
  param.add_loss_weight(.5);
  CoupledClustersLossLayer<Dtype> layer(param);
  layer.SetUp(this->bottom_, this->top_);
  const Dtype weighted = layer.Forward(this->bottom_, this->top_);
  const Dtype loss = this->loss_.cpu_data()[0];
  EXPECT_GT(loss, .1);
  EXPECT_NEAR(weighted, .5 * loss, 1e-5 * loss);
  EXPECT_EQ(layer.loss(0), Dtype(.5));
  for (int i = 1; i < 4; ++i) EXPECT_EQ(layer.loss(i), 0) << i;
  CoupledClustersLossLayer<Dtype> unweighted(this->Param(3, 4, 2));
  unweighted.SetUp(this->bottom_, this->top_);
  EXPECT_EQ(unweighted.loss(0), 1);
  EXPECT_EQ(unweighted.loss(1), 0);
}

// Mistakes in a net end the process with what was expected and what came.
class CoupledClustersLossLayerMistakesTest : public CPUDeviceTest<float> {
 protected:
  void SetUpLayer(int rows, int positives, int negatives, double margin,
                  const std::vector<float>& loss_weights = {}) {
    Blob<float> features({rows, 2}), loss, active;
    LayerParameter param;
    auto* ours = param.mutable_coupled_clusters_loss_param();
    ours->set_positives(positives);
    ours->set_negatives(negatives);
    ours->set_margin(margin);
    for (float weight : loss_weights) param.add_loss_weight(weight);
    CoupledClustersLossLayer<float> layer(param);
    layer.SetUp({&features}, {&loss, &active});
    layer.Backward({&loss, &active}, {true, true}, {&features, &features});
  }
};

TEST_F(CoupledClustersLossLayerMistakesTest, TestMistakesInNets) {
  EXPECT_REFUSED(SetUpLayer(7, 3, 2, 1),
                 "3 positives + 2 negatives = 5 rows, "
                 "got 7");
  EXPECT_REFUSED(SetUpLayer(2, 0, 2, 1),
                 "at least 1 positives in a set, got 0");
  EXPECT_REFUSED(SetUpLayer(2, 2, 0, 1), "at least 1 negative in a set, got 0");
  EXPECT_REFUSED(SetUpLayer(5, 3, 2, -1), "margin of at least 0, got -1");
  EXPECT_REFUSED(SetUpLayer(5, 3, 2, INFINITY), "at least 0, got inf");
  EXPECT_REFUSED(SetUpLayer(5, 3, 2, 1, {1, .5}), "top 1 is a diagnostic");
  EXPECT_REFUSED(SetUpLayer(5, 3, 2, 1), "cannot backpropagate to vehicle id");
}

}  // namespace caffe
