// An iteration of training on the GPU: what it computes, and how often the host
// waits.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cuda_on_cpu/testing.hpp"
#include "drdl/input_error.hpp"
#include "environment.hpp"
#include "gtest/gtest.h"
#include "small_solver.hpp"

namespace caffe {

class EmulatedTrainingTest : public ::testing::Test {
 protected:
  EmulatedTrainingTest() { Caffe::set_mode(Caffe::GPU); }
  ~EmulatedTrainingTest() override { Caffe::set_mode(Caffe::CPU); }

  template <typename Dtype>
  static void ExpectNear(const std::vector<Dtype>& is,
                         const std::vector<Dtype>& should, double tolerance) {
    ASSERT_EQ(is.size(), should.size());
    for (size_t i = 0; i < is.size(); ++i) {
      ASSERT_NEAR(is[i], should[i], tolerance) << "number " << i;
    }
  }
  static std::string RefusalOf(SmallSolver<float>* solver) {
    try {
      solver->Step(1);
    } catch (const drdl::InputError& error) {
      return error.what();
    }
    return "nothing";
  }

 private:
  const Environment tf32_{"CAFFE_ALLOW_TF32", "0"};
};

TEST_F(EmulatedTrainingTest, TestTheHostWaitsOnceAnIteration) {
  SmallSolver<float> solver;
  // Memory is taken; L2Normalize counts zero rows at powers of two and seldom
  // then.
  solver.Step(17);
  const auto waits_in = [&](int iterations) {
    const long before = cuda_on_cpu::HostWaits();
    solver.Step(iterations);
    return cuda_on_cpu::HostWaits() - before;
  };
  EXPECT_EQ(waits_in(9) - waits_in(4), 5);
}

TEST_F(EmulatedTrainingTest, TestWeightsAreThoseOfTheCpu) {
  SmallSolver<double> on_gpu, started;
  on_gpu.Step(6);
  Caffe::set_mode(Caffe::CPU);
  SmallSolver<double> on_cpu;
  on_cpu.Step(6);
  ExpectNear(on_gpu.Weights(), on_cpu.Weights(), 1e-9);
  const std::vector<double> before = started.Weights(),
                            after = on_gpu.Weights();
  double moved = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    moved = std::max(moved, std::abs(after[i] - before[i]));
  }
  EXPECT_GT(moved, 0.01);
}

TEST_F(EmulatedTrainingTest, TestTheLossIsTheSameByEveryWay) {
  SmallSolver<double> solver;
  const double both = solver.net().ForwardBackward();
  double forward = 0;
  solver.net().Forward(&forward);
  double sum = 0;
  for (const char* loss : {"model_loss", "lower_loss"}) {
    sum += 0.5 * solver.blob(loss)->cpu_data()[0];
  }
  EXPECT_NEAR(forward, sum + solver.blob("loss")->cpu_data()[0], 1e-12);
  EXPECT_GT(sum, 0);
  Caffe::set_mode(Caffe::CPU);
  SmallSolver<double> on_cpu;
  EXPECT_NEAR(on_cpu.net().ForwardBackward(), both, 1e-9);
}

TEST_F(EmulatedTrainingTest, TestOneKernelAParameter) {
  SmallSolver<float> solver;
  solver.Step(1);
  const long before = cuda_on_cpu::Launches("SgdStepKernel");
  solver.Step(3);
  EXPECT_EQ(cuda_on_cpu::Launches("SgdStepKernel") - before,
            3 * (solver.params().size() - 1));  // one is not learned
  EXPECT_EQ(cuda_on_cpu::Launches("SGDUpdate"), 0);
}

// As the position that PairSetData counts on the host.
TEST_F(EmulatedTrainingTest, TestWhatIsNotLearnedStaysWhereItIs) {
  SmallSolver<float> solver;
  solver.Step(1);
  Blob<float>& bias = *solver.params()[1];
  bias.mutable_cpu_data()[0] = 2;
  solver.Step(3);
  EXPECT_EQ(bias.data()->head(), SyncedMemory::SYNCED);
  EXPECT_EQ(bias.cpu_data()[0], 2);
}

TEST_F(EmulatedTrainingTest, TestGradientsAreClearedByTheStep) {
  SmallSolver<float> solver, other;
  solver.Step(2);
  for (Blob<float>* param : solver.params()) {
    for (int i = 0; i < param->count(); ++i) {
      ASSERT_EQ(param->cpu_diff()[i], 0);
    }
    // What somebody writes there is no gradient.
    std::fill_n(param->mutable_cpu_diff(), param->count(), 1e3f);
  }
  solver.Step(2);
  other.Step(4);
  EXPECT_EQ(solver.Weights(), other.Weights());
}

TEST_F(EmulatedTrainingTest, TestWithSnapshotDiffTheyAreTheStep) {
  SmallSolver<float> solver("snapshot_diff: true ");
  const std::vector<float> before = solver.Weights();
  solver.Step(1);
  std::vector<float> stepped;
  for (Blob<float>* param : solver.params()) {
    for (int i = 0; i < param->count(); ++i) {
      stepped.push_back(before[stepped.size()] - param->cpu_diff()[i]);
    }
  }
  EXPECT_EQ(solver.Weights(), stepped);
  SmallSolver<float> other;
  solver.Step(2);
  other.Step(3);
  EXPECT_EQ(solver.Weights(), other.Weights());
}

TEST_F(EmulatedTrainingTest, TestWrongIdsAndLabelsAreTold) {
  SmallSolver<float> ids, labels;
  ids.set_id(1, 99);
  const std::string wrong_ids = RefusalOf(&ids);
  for (const char* part : {"set 0, row 1 is a positive", "_loss"}) {
    EXPECT_NE(wrong_ids.find(part), std::string::npos) << wrong_ids;
  }
  labels.set_label(2, 3);
  const std::string wrong_label = RefusalOf(&labels);
  for (const char* part :
       {"label 3 where there are 3 outputs", "layer model_loss", "net small"}) {
    EXPECT_NE(wrong_label.find(part), std::string::npos) << wrong_label;
  }
  // The next pass is not burdened with it.
  labels.set_label(2, 1);
  EXPECT_EQ(RefusalOf(&labels), "nothing");
}

}  // namespace caffe
