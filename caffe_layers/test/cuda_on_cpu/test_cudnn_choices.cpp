// Which of cuDNN's algorithms Caffe takes, with which math type and workspace,
// and what cuBLAS is told of TF32.

#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "caffe/filler.hpp"
#include "caffe/layer_factory.hpp"
#include "caffe/layers/cudnn_pooling_layer.hpp"
#include "caffe/util/math_functions.hpp"
#include "cuda_on_cpu/dnn_testing.hpp"
#include "cuda_on_cpu/testing.hpp"
#include "drdl/input_error.hpp"
#include "environment.hpp"
#include "gtest/gtest.h"

namespace caffe {

using cuda_on_cpu::ConvolutionCall;
using cuda_on_cpu::Pass;

const size_t kMiB = 1 << 20;

/// A layer of 3 x 3 windows that has run forward and backward once.
class Ran {
 public:
  Ran(const std::string& type, int number)
      : bottom_(std::vector<int>{2, 3, 7, 6}) {
    LayerParameter param;
    param.set_type(type);
    param.set_name("layer");
    ConvolutionParameter& conv = *param.mutable_convolution_param();
    conv.set_num_output(number);
    conv.add_kernel_size(3);
    conv.mutable_weight_filler()->set_type("gaussian");
    conv.mutable_bias_filler()->set_type("gaussian");
    param.mutable_pooling_param()->set_kernel_size(3);
    param.mutable_pooling_param()->set_stride(2);
    FillerParameter filler;
    Caffe::set_random_seed(7);
    GaussianFiller<float>(filler).Fill(&bottom_);
    if (type == "CuDNNPooling") {
      // MAX is pooled by Caffe's own kernels, whatever engine a net asks for.
      layer_.reset(new CuDNNPoolingLayer<float>(param));
    } else {
      layer_ = LayerRegistry<float>::CreateLayer(param);
    }
    layer_->SetUp({&bottom_}, {&top});
    layer_->Forward({&bottom_}, {&top});
    caffe_copy(top.count(), top.cpu_data(), top.mutable_cpu_diff());
    for (const auto& blob : layer_->blobs()) {
      caffe_set(blob->count(), 0.f, blob->mutable_cpu_diff());
    }
    layer_->Backward({&top}, {true}, {&bottom_});
  }

  /// The top, and the gradients of bottom and weights, one after the other.
  std::vector<float> Numbers() {
    std::vector<float> all(top.cpu_data(), top.cpu_data() + top.count());
    std::vector<Blob<float>*> learned = {&bottom_};
    for (const auto& blob : layer_->blobs()) learned.push_back(blob.get());
    for (Blob<float>* blob : learned) {
      const float* diff = blob->cpu_diff();
      all.insert(all.end(), diff, diff + blob->count());
    }
    return all;
  }
  Blob<float> top;

 private:
  Blob<float> bottom_;
  shared_ptr<Layer<float> > layer_;
};

class EmulatedCudnnTest : public ::testing::Test {
 protected:
  EmulatedCudnnTest() {
    Caffe::set_mode(Caffe::GPU);
    cuda_on_cpu::TakeConvolutionCalls();
    cuda_on_cpu::TakeMeasurements();
    cuda_on_cpu::TakePoolingModes();
  }
  ~EmulatedCudnnTest() override {
    for (Pass pass :
         {Pass::kForward, Pass::kBackwardFilter, Pass::kBackwardData}) {
      cuda_on_cpu::SetAlgorithms(pass, {});
    }
    cuda_on_cpu::FailAllocationsAbove(0);
  }

  /// A choice is kept for each shape: every test has a number of its own.
  static int NewNumber() {
    static int number = 3;
    return ++number;
  }
  static std::vector<ConvolutionCall> Calls(const std::string& type,
                                            int number = NewNumber()) {
    Ran ran(type, number);
    return cuda_on_cpu::TakeConvolutionCalls();
  }
  static std::vector<float> OnTheCpu(int number) {
    Caffe::set_mode(Caffe::CPU);
    std::vector<float> numbers = Ran("Convolution", number).Numbers();
    Caffe::set_mode(Caffe::GPU);
    return numbers;
  }
  /// The largest difference, relative to the largest number.
  static float Error(const std::vector<float>& is,
                     const std::vector<float>& should) {
    float most = 0, error = 0;
    for (size_t i = 0; i < should.size(); ++i) {
      most = std::max(most, std::abs(should[i]));
      error = std::max(error, std::abs(is[i] - should[i]));
    }
    return error / most;
  }

  const Environment tf32_{"CAFFE_ALLOW_TF32", nullptr};
  const Environment deterministic_{"CAFFE_DETERMINISTIC", nullptr};
  const Environment workspace_{"CAFFE_WORKSPACE_MB", nullptr};
};

TEST_F(EmulatedCudnnTest, TestConvolutionsAreTf32Unless0) {
  const int number = NewNumber();
  const std::vector<float> should = OnTheCpu(number);
  Ran tf32("Convolution", number);
  const float error = Error(tf32.Numbers(), should);
  EXPECT_GT(error, 1e-5);
  EXPECT_LT(error, 2e-3);
  for (const ConvolutionCall& call : cuda_on_cpu::TakeConvolutionCalls()) {
    EXPECT_EQ(call.math, CUDNN_DEFAULT_MATH);
  }
  const Environment off("CAFFE_ALLOW_TF32", "0");
  EXPECT_LT(Error(Ran("Convolution", number).Numbers(), should), 1e-6);
  const auto calls = cuda_on_cpu::TakeConvolutionCalls();
  EXPECT_EQ(calls.size(), 3);
  for (const ConvolutionCall& call : calls) {
    EXPECT_EQ(call.math, CUDNN_FMA_MATH);
  }
}

TEST_F(EmulatedCudnnTest, TestProductsAreTf32Unless0) {
  for (bool allowed : {true, false}) {
    const Environment tf32("CAFFE_ALLOW_TF32", allowed ? nullptr : "0");
    float product = 0;
    // A thread has a handle of its own, which is told when it is made.
    std::thread([&] {
      Caffe::set_mode(Caffe::GPU);
      Blob<float> a(std::vector<int>(2, 1)), b(std::vector<int>(2, 1));
      a.mutable_cpu_data()[0] = 1 + std::ldexp(1.f, -12);
      caffe_gpu_gemm<float>(CblasNoTrans, CblasNoTrans, 1, 1, 1, 1,
                            a.gpu_data(), a.gpu_data(), 0,
                            b.mutable_gpu_data());
      product = b.cpu_data()[0];
    }).join();
    EXPECT_EQ(cuda_on_cpu::MathOfLastProduct(),
              allowed ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH);
    EXPECT_EQ(product == 1, allowed);
  }
}

TEST_F(EmulatedCudnnTest, TestOneOrderOfSumsOnDemand) {
  for (bool wanted : {false, true}) {
    const Environment on("CAFFE_DETERMINISTIC", wanted ? "1" : nullptr);
    cuda_on_cpu::TakeMeasurements();
    cuda_on_cpu::TakePoolingModes();
    const auto calls = Calls("Convolution");
    ASSERT_EQ(calls.size(), 3);
    EXPECT_EQ(calls[1].algo == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, !wanted);
    EXPECT_EQ(calls[2].algo == CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, !wanted);
    EXPECT_EQ(cuda_on_cpu::TakeMeasurements(), wanted ? 0 : 3);
    Ran("CuDNNPooling", 1);
    const auto modes = cuda_on_cpu::TakePoolingModes();
    EXPECT_EQ(modes.size(), 2);
    for (cudnnPoolingMode_t mode : modes) {
      EXPECT_EQ(mode,
                wanted ? CUDNN_POOLING_MAX_DETERMINISTIC : CUDNN_POOLING_MAX);
    }
  }
}

TEST_F(EmulatedCudnnTest, TestTheQuickestThatFits) {
  const int number = NewNumber();
  cuda_on_cpu::SetAlgorithms(
      Pass::kForward,
      {{0, 9, 0, true}, {2, 1, 3 * kMiB, true}, {1, 4, kMiB, true}});
  EXPECT_EQ(Calls("Convolution", number)[0].algo, 2);
  EXPECT_EQ(cuda_on_cpu::TakeMeasurements(), 3);
  EXPECT_EQ(Calls("Convolution", number)[0].algo, 2);
  EXPECT_EQ(cuda_on_cpu::TakeMeasurements(), 0);  // kept
  const Environment less("CAFFE_WORKSPACE_MB", "2");
  EXPECT_EQ(Calls("Convolution", number)[0].algo, 1);
  EXPECT_EQ(cuda_on_cpu::TakeMeasurements(), 3);
}

TEST_F(EmulatedCudnnTest, TestWithoutMemoryForAWorkspace) {
  const int number = NewNumber();
  const std::vector<float> should = OnTheCpu(number);
  cuda_on_cpu::SetAlgorithms(Pass::kForward,
                             {{1, 1, 8 * kMiB, true}, {0, 2, 0, true}});
  cuda_on_cpu::FailAllocationsAbove(2 * kMiB);
  const Environment off("CAFFE_ALLOW_TF32", "0");
  EXPECT_LT(Error(Ran("Convolution", number).Numbers(), should), 1e-6);
  const auto calls = cuda_on_cpu::TakeConvolutionCalls();
  ASSERT_EQ(calls.size(), 3);
  for (const ConvolutionCall& call : calls) {
    EXPECT_EQ(call.workspace, nullptr);
    EXPECT_EQ(call.workspace_bytes, 0);
  }
  EXPECT_EQ(calls[0].algo, 0);
  EXPECT_EQ(calls[1].algo, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(EmulatedCudnnTest, TestMeasuringThatFindsNoMemoryIsNoError) {
  cuda_on_cpu::SetAlgorithms(
      Pass::kForward,
      {{1, 1, 0, true, CUDNN_STATUS_ALLOC_FAILED}, {0, 2, 0, true}});
  EXPECT_EQ(Calls("Convolution")[0].algo, 0);
}

TEST_F(EmulatedCudnnTest, TestOtherValuesAreRefused) {
  for (const char* name :
       {"CAFFE_ALLOW_TF32", "CAFFE_DETERMINISTIC", "CAFFE_WORKSPACE_MB"}) {
    for (const char* value : {"yes", "-1", "1e3", "99999999999"}) {
      const Environment wrong(name, value);
      try {
        Calls("Convolution");
        ADD_FAILURE() << name << "=" << value << " is taken";
      } catch (const drdl::InputError& error) {
        EXPECT_NE(std::string(error.what()).find(name), std::string::npos);
      }
    }
  }
}

}  // namespace caffe
