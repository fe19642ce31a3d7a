// CUDA_KERNEL_LOOP at the end of the largest grids, which no test could run
// through: this thread is made the one in question.

#include <limits>
#include <vector>

#include "caffe/util/device_alternate.hpp"
#include "cuda_on_cpu/kernel.hpp"
#include "gtest/gtest.h"

namespace caffe {

class KernelLoopTest : public ::testing::TestWithParam<int> {
 protected:
  KernelLoopTest() : before_(cuda_on_cpu::builtins) {}
  ~KernelLoopTest() override { cuda_on_cpu::builtins = before_; }

  /// What the thread runs over that begins at this index; at most three.
  std::vector<int> Indices(int first, int n) {
    const int threads = CAFFE_CUDA_NUM_THREADS;
    gridDim = dim3(CAFFE_GET_BLOCKS(n));
    blockDim = dim3(threads);
    blockIdx = {static_cast<unsigned>(first / threads), 0, 0};
    threadIdx = {static_cast<unsigned>(first % threads), 0, 0};
    std::vector<int> indices;
    CUDA_KERNEL_LOOP(i, n) {
      indices.push_back(i);
      if (indices.size() == 3) break;
    }
    return indices;
  }

 private:
  const cuda_on_cpu::Builtins before_;
};

TEST_P(KernelLoopTest, TestEveryIndexOnce) {
  const int n = GetParam();
  for (int first : {0, n / 2, n - 1}) {
    EXPECT_EQ(Indices(first, n), std::vector<int>{first});
  }
}

TEST_P(KernelLoopTest, TestBlocksAreEnoughAndNotOneTooMany) {
  const int n = GetParam();
  const long blocks = CAFFE_GET_BLOCKS(n), threads = CAFFE_CUDA_NUM_THREADS;
  EXPECT_GE(blocks * threads, n);
  EXPECT_LT((blocks - 1) * threads, n);
}

INSTANTIATE_TEST_SUITE_P(Sizes, KernelLoopTest,
                         ::testing::Values(1, 512, 513, (1 << 30) + 5000,
                                           std::numeric_limits<int>::max()));

TEST_F(KernelLoopTest, TestNothingIsRunOver) {
  EXPECT_EQ(CAFFE_GET_BLOCKS(0), 1);  // CUDA refuses none
  EXPECT_EQ(Indices(0, 0), std::vector<int>());
}

}  // namespace caffe
