// The solver's step on the device against that of the CPU engine.

#include <vector>

#include "caffe/blob.hpp"
#include "caffe/filler.hpp"
#include "drdl/engine/update.hpp"
#include "drdl/sgd_step.hpp"
#include "gtest/gtest.h"

namespace caffe {

template <typename Dtype>
class EmulatedSgdStepTest : public ::testing::Test {};
typedef ::testing::Types<float, double> Dtypes;
TYPED_TEST_SUITE(EmulatedSgdStepTest, Dtypes);

TYPED_TEST(EmulatedSgdStepTest, TestAgainstTheCpu) {
  Caffe::set_mode(Caffe::GPU);
  const int count = 5 * 512 + 3;
  for (bool clear : {false, true}) {
    Blob<TypeParam> param({count}), history({count});
    FillerParameter filler;
    Caffe::set_random_seed(3);
    GaussianFiller<TypeParam>(filler).Fill(&param);
    GaussianFiller<TypeParam>(filler).Fill(&history);
    TypeParam* diff = param.mutable_cpu_diff();
    for (int i = 0; i < count; ++i) diff[i] = history.cpu_data()[count - 1 - i];
    const auto copy = [&](const TypeParam* from) {
      return std::vector<TypeParam>(from, from + count);
    };
    auto data = copy(param.cpu_data()), gradient = copy(param.cpu_diff()),
         momentum = copy(history.cpu_data());
    drdl::engine::SgdStep<TypeParam>(count, 0.01, 0.9, 0.1, data.data(),
                                     gradient.data(), momentum.data());
    drdl::SgdStepOnDevice<TypeParam>(
        count, 0.01, 0.9, 0.1, clear, param.mutable_gpu_data(),
        param.mutable_gpu_diff(), history.mutable_gpu_data());
    const double tolerance = sizeof(TypeParam) == 4 ? 1e-6 : 1e-15;
    for (int i = 0; i < count; ++i) {
      ASSERT_NEAR(param.cpu_data()[i], data[i], tolerance) << i;
      ASSERT_NEAR(history.cpu_data()[i], momentum[i], tolerance) << i;
      ASSERT_NEAR(param.cpu_diff()[i], clear ? 0 : gradient[i], tolerance) << i;
    }
  }
}

}  // namespace caffe
