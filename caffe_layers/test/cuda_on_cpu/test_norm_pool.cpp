// Bias, ReLU, LRN and pooling in one kernel are what the layers compute.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "caffe/filler.hpp"
#include "caffe/layer_factory.hpp"
#include "cuda_on_cpu/testing.hpp"
#include "drdl/fused_layers.hpp"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "small_solver.hpp"

namespace caffe {

struct NormPoolCase {
  int channels, height, width, stride, pad;
  double beta, k;
  bool bias;
};
void PrintTo(const NormPoolCase& c, std::ostream* out) {
  *out << c.channels << " channels of " << c.height << " x " << c.width
       << ", stride " << c.stride << ", pad " << c.pad << ", beta " << c.beta
       << ", k " << c.k << (c.bias ? ", bias" : "");
}

/// The layers on the CPU, in double, upstream's.
class LayersOnCpu {
 public:
  explicit LayersOnCpu(const NormPoolCase& c) {
    Add("type: 'ReLU' relu_param { engine: CAFFE }");
    Add("type: 'LRN' lrn_param { engine: CAFFE alpha: 0.25 beta: " +
        std::to_string(c.beta) + " k: " + std::to_string(c.k) + " }");
    Add("type: 'Pooling' pooling_param { engine: CAFFE kernel_size: 3 "
        "stride: " +
        std::to_string(c.stride) + " pad: " + std::to_string(c.pad) + " }");
  }
  Blob<double>* Forward(const Blob<double>& x) {
    blobs_[0]->CopyFrom(x, false, true);
    for (size_t i = 0; i < layers_.size(); ++i) {
      layers_[i]->SetUp({blobs_[i].get()}, {blobs_[i + 1].get()});
      layers_[i]->Forward({blobs_[i].get()}, {blobs_[i + 1].get()});
    }
    return blobs_.back().get();
  }
  Blob<double>* Backward() {
    for (size_t i = layers_.size(); i-- > 0;) {
      layers_[i]->Backward({blobs_[i + 1].get()}, {true}, {blobs_[i].get()});
    }
    return blobs_[0].get();
  }

 private:
  void Add(const std::string& text) {
    LayerParameter param;
    CHECK(google::protobuf::TextFormat::ParseFromString(text, &param));
    layers_.push_back(LayerRegistry<double>::CreateLayer(param));
    blobs_.emplace_back(new Blob<double>);
  }
  std::vector<shared_ptr<Layer<double> > > layers_;
  std::vector<shared_ptr<Blob<double> > > blobs_{
      shared_ptr<Blob<double> >(new Blob<double>)};
};

class EmulatedNormPoolTest : public ::testing::TestWithParam<NormPoolCase> {
 protected:
  EmulatedNormPoolTest() {
    const NormPoolCase& c = GetParam();
    Caffe::set_random_seed(3);
    z_.Reshape({2, c.channels, c.height, c.width});
    bias_.Reshape({c.channels});
    GaussianFiller<double> filler{FillerParameter()};
    filler.Fill(&z_);
    filler.Fill(&bias_);
    x_.CopyFrom(z_, false, true);
    for (int i = 0; c.bias && i < x_.count(); ++i) {
      const int channel = i / (c.height * c.width) % c.channels;
      x_.mutable_cpu_data()[i] += bias_.cpu_data()[channel];
    }
  }
  /// What the kernel gives, in the shape of the layers' top.
  void Forward(const Blob<double>& top) {
    const NormPoolCase& c = GetParam();
    shape_ = {2,           c.channels, c.height, c.width, top.height(),
              top.width(), c.stride,   c.stride, c.pad,   c.pad,
              0.25,        c.beta,     c.k};
    top_.ReshapeLike(top);
    index_.Reshape(top.shape());
    drdl::NormPoolForward(shape_, z_.gpu_data(), Bias(),
                          top_.mutable_gpu_data(), index_.mutable_gpu_data());
  }
  const double* Bias() { return GetParam().bias ? bias_.gpu_data() : nullptr; }
  static void ExpectNear(const double* is, const double* should, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_NEAR(is[i], should[i], 1e-11) << "number " << i;
    }
  }

  drdl::NormPool<double> shape_;
  Blob<double> z_, x_, bias_, top_;
  Blob<int> index_;
};

TEST_P(EmulatedNormPoolTest, TestForwardIsThatOfTheLayers) {
  LayersOnCpu layers(GetParam());
  const Blob<double>* const should = layers.Forward(x_);
  Forward(*should);
  ExpectNear(top_.cpu_data(), should->cpu_data(), should->count());
}

TEST_P(EmulatedNormPoolTest, TestBackwardIsThatOfTheLayers) {
  LayersOnCpu layers(GetParam());
  Blob<double>* const top = layers.Forward(x_);
  Forward(*top);
  Blob<double> gradient(top->shape());
  GaussianFiller<double>(FillerParameter()).Fill(&gradient);
  caffe_copy(top->count(), gradient.cpu_data(), top->mutable_cpu_diff());
  const Blob<double>* const should = layers.Backward();
  drdl::NormPoolBackward(shape_, z_.gpu_data(), Bias(), gradient.gpu_data(),
                         index_.gpu_data(), z_.mutable_gpu_diff());
  ExpectNear(z_.cpu_diff(), should->cpu_diff(), should->count());
}

TEST_P(EmulatedNormPoolTest, TestNaNIsNotLost) {
  LayersOnCpu layers(GetParam());
  const Blob<double>* const shape = layers.Forward(x_);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  z_.mutable_cpu_data()[z_.offset(1, 1, 1, 1)] = nan;
  Forward(*shape);
  EXPECT_TRUE(std::isnan(top_.data_at(1, 1, 0, 0)));
  EXPECT_FALSE(std::isnan(top_.data_at(0, 1, 0, 0)));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EmulatedNormPoolTest,
    ::testing::Values(NormPoolCase{6, 7, 9, 2, 0, 0.75, 2, true},
                      NormPoolCase{40, 5, 6, 2, 0, 0.75, 2, true},
                      NormPoolCase{3, 6, 8, 2, 1, 0.5, 1, false},
                      NormPoolCase{33, 4, 4, 1, 1, 1, 1, true},
                      NormPoolCase{5, 8, 7, 3, 0, 0.75, 1, false}));

class EmulatedFusedLayersTest : public ::testing::Test {
 protected:
  EmulatedFusedLayersTest() {
    Caffe::set_mode(Caffe::GPU);
    drdl::FuseLayers();
  }
  ~EmulatedFusedLayersTest() override {
    drdl::FuseLayers(false);
    Caffe::set_mode(Caffe::CPU);
  }
  static long Fused() {
    return cuda_on_cpu::Launches("NormPoolForwardKernel") +
           cuda_on_cpu::Launches("NormPoolBackwardKernel");
  }
};

TEST_F(EmulatedFusedLayersTest, TestWeightsAreThoseOfTheCpu) {
  SmallSolver<double> on_gpu;
  const long before = Fused();
  on_gpu.Step(6);
  EXPECT_EQ(Fused() - before, 12);
  Caffe::set_mode(Caffe::CPU);
  SmallSolver<double> on_cpu;
  on_cpu.Step(6);
  EXPECT_EQ(Fused() - before, 12);
  const std::vector<double> is = on_gpu.Weights(), should = on_cpu.Weights();
  ASSERT_EQ(is.size(), should.size());
  for (size_t i = 0; i < is.size(); ++i) ASSERT_NEAR(is[i], should[i], 1e-9);
}

TEST_F(EmulatedFusedLayersTest, TestAPartOfThemIsComputedLayerByLayer) {
  SmallSolver<double> solver;
  Net<double>& net = solver.net();
  net.Forward();
  const long before = Fused();
  const auto& names = net.layer_names();
  net.ForwardTo(std::find(names.begin(), names.end(), "norm") - names.begin());
  drdl::FuseLayers(false);
  SmallSolver<double> plain;
  plain.net().Forward();
  EXPECT_EQ(Fused(), before);
  for (const char* blob : {"conv", "norm"}) {
    const Blob<double>*is = solver.blob(blob), *should = plain.blob(blob);
    for (int i = 0; i < is->count(); ++i) {
      ASSERT_NEAR(is->cpu_data()[i], should->cpu_data()[i], 1e-12) << blob;
    }
  }
}

TEST_F(EmulatedFusedLayersTest, TestNothingIsFusedWhereSomebodyLooks) {
  SmallSolver<double> told("debug_info: true display: 1 ");
  drdl::FuseLayers(false);
  SmallSolver<double> plain;
  const long before = Fused();
  told.Step(1);
  plain.Step(1);
  EXPECT_EQ(Fused(), before);
}

}  // namespace caffe
