// Collective calls of NCCL's stand-in: what they give, and what they report.

#include <cuda_runtime.h>
#include <gtest/gtest.h>
#include <nccl.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

const int kFaultyExit = 86;

/// The memory and the stream of a rank, on a device of its own.
struct Member {
  ncclComm_t comm;
  int rank;
  cudaStream_t stream;
  float* x;  // two numbers

  void Write(float first, float second, cudaStream_t to) {
    const float numbers[] = {first, second};
    cudaMemcpyAsync(x, numbers, sizeof numbers, cudaMemcpyHostToDevice, to);
  }
  std::vector<float> Read() {
    float numbers[2];
    cudaStreamSynchronize(stream);
    cudaMemcpy(numbers, x, sizeof numbers, cudaMemcpyDeviceToHost);
    return {numbers, numbers + 2};
  }
};

/// Does work as each of so many ranks, every one in a thread.
void AsRanks(int ranks, const std::function<void(Member*)>& work) {
  std::vector<ncclComm_t> comms(ranks);
  ncclCommInitAll(comms.data(), ranks, nullptr);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      cudaSetDevice(rank);
      Member self = {comms[rank], rank, nullptr, nullptr};
      cudaStreamCreateWithFlags(&self.stream, cudaStreamNonBlocking);
      cudaMalloc(&self.x, 2 * sizeof(float));
      work(&self);
      cudaFree(self.x);
      cudaStreamDestroy(self.stream);
      ncclCommDestroy(self.comm);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

ncclResult_t Sum(Member* self, int count = 2) {
  return ncclAllReduce(self->x, self->x, count, ncclFloat, ncclSum, self->comm,
                       self->stream);
}

// Sums, then what rank 1 has; the number of ranks that were given something
// else.
int Wrong(int ranks) {
  std::vector<int> wrong(ranks);
  AsRanks(ranks, [&](Member* self) {
    for (int turn = 1; turn <= 3; ++turn) {
      self->Write(turn * (1 << self->rank), 1, self->stream);
      Sum(self);
      const std::vector<float> sum = {float(turn * ((1 << ranks) - 1)),
                                      float(ranks)};
      wrong[self->rank] += self->Read() != sum;
    }
    self->Write(self->rank, -self->rank, self->stream);
    ncclBcast(self->x, 2, ncclFloat, 1, self->comm, self->stream);
    wrong[self->rank] += self->Read() != std::vector<float>{1, -1};
  });
  int sum = 0;
  for (int n : wrong) sum += n;
  return sum;
}

// Gradients are written on the default stream, and summed on another one.
int SumOf(bool waits) {
  int sum = 0;
  AsRanks(2, [&](Member* self) {
    cudaEvent_t written;
    cudaEventCreateWithFlags(&written, cudaEventDisableTiming);
    self->Write(1, 1, self->stream);
    cudaStreamSynchronize(self->stream);
    self->Write(2, 2, nullptr);
    cudaEventRecord(written);
    if (waits) cudaStreamWaitEvent(self->stream, written);
    Sum(self);
    if (self->rank == 0) sum = static_cast<int>(self->Read()[0]);
    cudaEventDestroy(written);
  });
  return sum;
}

class CollectiveTest : public ::testing::Test {
 protected:
  CollectiveTest() {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    setenv("CUDA_ON_CPU_DEVICES", "4", 1);
    setenv("CUDA_ON_CPU_PATIENCE", "2", 1);
  }
  ~CollectiveTest() override {
    for (const char* option : {"DEVICES", "PATIENCE", "LATE"}) {
      unsetenv((std::string("CUDA_ON_CPU_") + option).c_str());
    }
    ::testing::FLAGS_gtest_death_test_style = "fast";
  }
};

TEST_F(CollectiveTest, TestSumsAndBroadcasts) {
  for (const char* late : {"0", "1"}) {
    setenv("CUDA_ON_CPU_LATE", late, 1);
    for (int ranks : {2, 4}) {
      EXPECT_EXIT(std::exit(Wrong(ranks)), ::testing::ExitedWithCode(0), "");
    }
  }
}

TEST_F(CollectiveTest, TestAStreamThatDoesNotWaitForGradientsSumsOldOnes) {
  for (const char* late : {"1", "2"}) {
    setenv("CUDA_ON_CPU_LATE", late, 1);
    EXPECT_EXIT(std::exit(SumOf(true)), ::testing::ExitedWithCode(4), "");
    EXPECT_EXIT(std::exit(SumOf(false)), ::testing::ExitedWithCode(2), "");
  }
}

TEST_F(CollectiveTest, TestARankThatNeverComesIsReported) {
  const auto without_rank_1 = [](Member* self) {
    self->Write(1, 1, self->stream);
    if (self->rank != 1) Sum(self);
  };
  EXPECT_EXIT(
      (AsRanks(2, without_rank_1), std::exit(0)),
      ::testing::ExitedWithCode(kFaultyExit),
      "rank 0 waits for 1 of 2 ranks to call ncclAllReduce of 2 numbers");
}

TEST_F(CollectiveTest, TestRanksThatCallOtherThingsAreReported) {
  const auto other_sizes = [](Member* self) {
    self->Write(1, 1, self->stream);
    Sum(self, 1 + self->rank);
  };
  EXPECT_EXIT((AsRanks(2, other_sizes), std::exit(0)),
              ::testing::ExitedWithCode(kFaultyExit),
              "calls ncclAllReduce of . numbers of 4 bytes, another one");
}

// Whichever rank comes first, or both at once.
TEST_F(CollectiveTest, TestEveryCallOfOtherThingsIsReported) {
  const auto other_sizes = [](Member* self) {
    self->Write(1, 1, self->stream);
    for (int call = 0; call < 2000; ++call) Sum(self, 1 + self->rank);
    cudaStreamSynchronize(self->stream);
  };
  EXPECT_EXIT((AsRanks(2, other_sizes), std::exit(0)),
              ::testing::ExitedWithCode(kFaultyExit), "2000 reports");
}

}  // namespace
