// Every fault that cuda_on_cpu claims to see is made, and has to be seen.

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "copy_row.hpp"
#include "cuda_on_cpu/testing.hpp"
#include "faults.hpp"

namespace {

const int kFaultyExit = 86;

struct Fault {
  const char *kernel, *reported;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.kernel; }

class FaultTest : public ::testing::TestWithParam<Fault> {};

TEST_P(FaultTest, TestIsReported) {
  const auto run = [](const char* kernel) {
    RunKernel(kernel);
    std::exit(0);  // which it must not do
  };
  EXPECT_EXIT(run(GetParam().kernel), ::testing::ExitedWithCode(kFaultyExit),
              GetParam().reported);
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, FaultTest,
    ::testing::Values(
        Fault{"OneTooFar", "device memory out of bounds"},
        Fault{"OneBefore", "device memory out of bounds"},
        // The linking trap: the kernels' copy has to be the one that runs.
        Fault{"InHeader", "device memory out of bounds"},
        Fault{"HostMemory", "a kernel reads host memory"},
        Fault{"Unwritten", "device memory read that nothing wrote"},
        Fault{"OthersLocal", "another thread's local memory"},
        Fault{"NoBarrier", "race: "}, Fault{"BarrierTooEarly", "race: "},
        Fault{"StorageAgain", "race: write"},
        Fault{"TwoBlocks", "race: write.*of block 0"},
        Fault{"NotAtomic", "race: "},
        Fault{"SharedUnwritten", "shared memory read that its block has not"},
        Fault{"SomeEnd", "without 32 threads that have ended"},
        Fault{"TwoBarriers", "wait at two barriers at a time"},
        Fault{"HalfWarp", "names lanes that have ended: ffff0000"},
        Fault{"HalfWaits", "threads wait for ever"},
        Fault{"NotInMask", "is not in its own mask"}),
    ::testing::PrintToStringParamName());

float Sum() { return 64 * 63 / 2; }

TEST(CudaOnCpuTest, TestRightKernelsAreNotReported) {
  EXPECT_EQ(RunKernel("Good"), 63);
  EXPECT_EQ(RunKernel("Atomic"), Sum());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(CudaOnCpuTest, TestLaunchesThatCudaRefuses) {
  for (const char* kernel : {"Empty", "TooManyThreads"}) {
    RunKernel(kernel);
    EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidConfiguration) << kernel;
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration) << kernel;
    EXPECT_EQ(cudaGetLastError(), cudaSuccess) << kernel;
  }
}

// This program has a copy of the template as well.
TEST(CudaOnCpuTest, TestHostCodeRunsItsOwnCopies) {
  float x[2] = {1, 2}, y[2] = {0};
  CopyRow(x, 2, y);
  EXPECT_EQ(y[1], 2);
}

// If this fails, linkers have changed and the order of objects need not be
// kept.
TEST(CudaOnCpuTest, TestFaultsAreMissedWhereHostObjectsComeFirst) {
  void* library = dlopen(CUDA_ON_CPU_WRONG_ORDER, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto run =
      reinterpret_cast<float (*)(const char*)>(dlsym(library, "RunKernel"));
  const auto run_and_end = [run](const char* kernel) {
    run(kernel);
    std::exit(0);
  };
  EXPECT_EXIT(run_and_end("InHeader"), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(run_and_end("OneTooFar"), ::testing::ExitedWithCode(kFaultyExit),
              "out of bounds");
}

TEST(CudaOnCpuTest, TestHostTouchesDeviceMemory) {
  float* x;
  cudaMalloc(&x, sizeof *x);
  const auto touch = [x] { *static_cast<volatile float*>(x) = 1; };
  EXPECT_EXIT(touch(), ::testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(std::thread(touch).join(), ::testing::KilledBySignal(SIGSEGV),
              "");
  cudaFree(x);
}

TEST(CudaOnCpuTest, TestFreedTwiceOrNeverAllocated) {
  const auto free = [](bool twice) {
    float *x, here;
    cudaMalloc(&x, sizeof *x);
    cudaFree(twice ? x : &here);
    cudaFree(x);
    std::exit(0);
  };
  for (bool twice : {false, true}) {
    EXPECT_EXIT(free(twice), ::testing::ExitedWithCode(kFaultyExit),
                "cudaFree of .*, which is no block");
  }
}

TEST(CudaOnCpuTest, TestLibrariesTakeWrittenDeviceMemory) {
  const auto dot = [](bool on_device) {
    cublasHandle_t handle;
    cublasCreate(&handle);
    float here[2] = {1, 2}, result, *x = here;
    if (on_device) cudaMalloc(&x, sizeof here);
    cublasSdot(handle, 2, x, 1, x, 1, &result);
    std::exit(0);
  };
  EXPECT_EXIT(dot(false), ::testing::ExitedWithCode(kFaultyExit),
              "a library reads host memory");
  EXPECT_EXIT(dot(true), ::testing::ExitedWithCode(kFaultyExit),
              "device memory read that nothing wrote");
}

TEST(CudaOnCpuTest, TestCopiesKnowTheirWay) {
  float here = 1, *x;
  cudaMalloc(&x, sizeof here);
  EXPECT_EQ(cudaMemcpy(x, &here, sizeof here, cudaMemcpyDeviceToHost),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(x, &here, sizeof here, cudaMemcpyHostToDevice),
            cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  cudaFree(x);
}

TEST(CudaOnCpuTest, TestWaitsOfTheHostAreCounted) {
  float *x, *pinned, sum;
  cudaEvent_t event;
  cublasHandle_t handle;
  cublasCreate(&handle);
  cudaEventCreate(&event);
  cudaMalloc(&x, 2 * sizeof *x);
  cudaMallocHost(reinterpret_cast<void**>(&pinned), sizeof *pinned);
  const long before = cuda_on_cpu::HostWaits();
  const auto waits = [=] { return cuda_on_cpu::HostWaits() - before; };
  cudaMemset(x, 0, 2 * sizeof *x);
  cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_DEVICE);
  cublasSasum(handle, 1, x, 1, x + 1);
  cudaMemcpyAsync(pinned, x, sizeof *x, cudaMemcpyDeviceToHost);
  cudaEventRecord(event);
  EXPECT_EQ(waits(), 0);
  cudaEventSynchronize(event);
  EXPECT_EQ(waits(), 1);
  cudaMemcpy(pinned, x, sizeof *x, cudaMemcpyDeviceToHost);
  EXPECT_EQ(waits(), 2);
  cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_HOST);
  cublasSasum(handle, 1, x, 1, &sum);
  EXPECT_EQ(waits(), 3);
  cudaStreamSynchronize(nullptr);
  cudaDeviceSynchronize();
  EXPECT_EQ(waits(), 5);
  cudaFree(x);
  cudaFreeHost(pinned);
  EXPECT_EQ(waits(), 7);
}

// The options are read when a process starts: these run in new ones.
class OptionTest : public ::testing::Test {
 protected:
  void Start(const char* option, const char* value) {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    setenv(option, value, 1);
    option_ = option;
  }
  ~OptionTest() override {
    unsetenv(option_);
    ::testing::FLAGS_gtest_death_test_style = "fast";
  }
  const char* option_ = "";
};

// What a copy from pinned memory gives that the host writes before it waits.
int CopiedBeforeOrAfter() {
  int *pinned, *x, result = 0;
  cudaStream_t stream;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaMalloc(&x, sizeof *x);
  cudaMallocHost(reinterpret_cast<void**>(&pinned), sizeof *pinned);
  *pinned = 1;
  cudaMemcpyAsync(x, pinned, sizeof *x, cudaMemcpyHostToDevice, stream);
  *pinned = 2;  // too early
  cudaStreamSynchronize(stream);
  cudaMemcpy(&result, x, sizeof *x, cudaMemcpyDeviceToHost);
  return result;
}
TEST_F(OptionTest, TestLateStreamsShowWhoDoesNotWait) {
  EXPECT_EQ(CopiedBeforeOrAfter(), 1);
  Start("CUDA_ON_CPU_LATE", "1");
  EXPECT_EXIT(std::exit(CopiedBeforeOrAfter()), ::testing::ExitedWithCode(2),
              "");
}

// What a stream sees of another one's memory that waits for an event there.
int SeenByWhoWaits(bool recorded_early) {
  char result, *x, *y;
  cudaStream_t stream;
  cudaEvent_t event;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  cudaMalloc(&x, 1);
  cudaMalloc(&y, 1);
  cudaMemset(x, 1, 1);
  if (recorded_early) cudaEventRecord(event);
  cudaMemset(x, 2, 1);
  if (!recorded_early) cudaEventRecord(event);
  cudaStreamWaitEvent(stream, event);
  cudaMemcpyAsync(y, x, 1, cudaMemcpyDeviceToDevice, stream);
  cudaStreamSynchronize(stream);
  cudaMemcpy(&result, y, 1, cudaMemcpyDeviceToHost);
  return result;
}
TEST_F(OptionTest, TestAnEventIsWaitedForAndNoMore) {
  Start("CUDA_ON_CPU_LATE", "1");
  EXPECT_EXIT(std::exit(SeenByWhoWaits(false)), ::testing::ExitedWithCode(2),
              "");
  EXPECT_EXIT(std::exit(SeenByWhoWaits(true)), ::testing::ExitedWithCode(1),
              "");
}

TEST_F(OptionTest, TestOrderOfThreadsCanBeTurned) {
  EXPECT_EQ(RunKernel("FirstCome"), 0);
  Start("CUDA_ON_CPU_ORDER", "1");
  EXPECT_EXIT(std::exit(RunKernel("FirstCome")), ::testing::ExitedWithCode(63),
              "");
}

TEST_F(OptionTest, TestOrderOfThreadsCanBeShuffled) {
  Start("CUDA_ON_CPU_ORDER", "2");
  const auto other = [](int status) {
    const int thread = WEXITSTATUS(status);
    return WIFEXITED(status) && thread > 0 && thread < 63;
  };
  EXPECT_EXIT(std::exit(RunKernel("FirstCome")), other, "");
}

TEST(CudaOnCpuTest, TestThereIsOneDeviceUnlessMoreAreAskedFor) {
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
}

TEST_F(OptionTest, TestADeviceTouchesAnothersMemory) {
  Start("CUDA_ON_CPU_DEVICES", "2");
  EXPECT_EXIT(std::exit(RunKernel("OtherDevice")),
              ::testing::ExitedWithCode(kFaultyExit),
              "device 1 touches memory of device 0");
}

// What device 1 has of device 0's memory, copied without a wait for that
// device.
int SeenByAnotherDevice(bool waits) {
  char result, *x, *y;
  cudaEvent_t event;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  cudaMalloc(&x, 1);
  cudaMemset(x, 1, 1);
  cudaStreamSynchronize(nullptr);
  cudaMemset(x, 2, 1);
  cudaEventRecord(event);
  cudaSetDevice(1);
  cudaMalloc(&y, 1);
  if (waits) cudaStreamWaitEvent(nullptr, event);
  cudaMemcpyAsync(y, x, 1, cudaMemcpyDeviceToDevice);
  cudaMemcpy(&result, y, 1, cudaMemcpyDeviceToHost);
  return result;
}
TEST_F(OptionTest, TestEachDeviceHasItsOwnDefaultStream) {
  Start("CUDA_ON_CPU_DEVICES", "2");
  setenv("CUDA_ON_CPU_LATE", "1", 1);
  EXPECT_EXIT(std::exit(SeenByAnotherDevice(true)),
              ::testing::ExitedWithCode(2), "");
  EXPECT_EXIT(std::exit(SeenByAnotherDevice(false)),
              ::testing::ExitedWithCode(1), "");
  unsetenv("CUDA_ON_CPU_LATE");
}

TEST_F(OptionTest, TestNoDriver) {
  Start("CUDA_ON_CPU_NO_DRIVER", "1");
  int count;
  EXPECT_EXIT(std::exit(cudaGetDeviceCount(&count)),
              ::testing::ExitedWithCode(cudaErrorInsufficientDriver), "");
}

TEST_F(OptionTest, TestMemoryIsFull) {
  Start("CUDA_ON_CPU_MEMORY", "1");
  char* x;
  EXPECT_EXIT(std::exit(cudaMalloc(&x, 2 << 20)),
              ::testing::ExitedWithCode(cudaErrorMemoryAllocation), "");
}

}  // namespace
