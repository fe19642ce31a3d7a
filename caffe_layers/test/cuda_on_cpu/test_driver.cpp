// Where there is no driver, or it has gone already.

#include "caffe/blob.hpp"
#include "caffe/internal_thread.hpp"
#include "caffe/util/benchmark.hpp"
#include "cuda_on_cpu/testing.hpp"
#include "gtest/gtest.h"

namespace caffe {

class DriverTest : public ::testing::Test {
 protected:
  ~DriverTest() override {
    cuda_on_cpu::FailEveryCall(cudaSuccess);
    cudaGetLastError();
  }
};

class Worker : public InternalThread {
 public:
  bool done = false;

 protected:
  void InternalThreadEntry() override { done = true; }
};

// As the prefetching threads of stock data layers do.
TEST_F(DriverTest, TestThreadsStartInCpuModeWithoutOne) {
  Caffe::set_mode(Caffe::CPU);
  cuda_on_cpu::FailEveryCall(cudaErrorInsufficientDriver);
  Worker worker;
  EXPECT_NO_THROW(worker.StartInternalThread());
  worker.StopInternalThread();
  EXPECT_TRUE(worker.done);
}

TEST_F(DriverTest, TestThreadsAskForItInGpuMode) {
  Caffe::set_mode(Caffe::GPU);
  cuda_on_cpu::FailEveryCall(cudaErrorInsufficientDriver);
  Worker worker;
  EXPECT_ANY_THROW(worker.StartInternalThread());
}

// What is left at the end of a process is freed after it.
TEST_F(DriverTest, TestNothingIsCheckedWhenItHasGone) {
  Caffe::set_mode(Caffe::GPU);
  const auto end = [] {
    {
      Blob<float> blob({2});
      blob.mutable_cpu_data()[0] = 1;  // pinned
      blob.gpu_data();
      Timer timer;
      cuda_on_cpu::FailEveryCall(cudaErrorCudartUnloading);
    }
    std::exit(0);
  };
  EXPECT_EXIT(end(), ::testing::ExitedWithCode(0), "");
}

}  // namespace caffe
