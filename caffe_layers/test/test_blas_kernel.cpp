#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "caffe/util/math_functions.hpp"
#include "drdl/blas_kernel.hpp"
#include "drdl/processor.hpp"

extern "C" {
void gotoblas_dynamic_init() __attribute__((weak));
void gotoblas_dynamic_quit() __attribute__((weak));
}

namespace drdl {

TEST(BlasKernelTest, OfOldKernelsTheBestThatTheProcessorRuns) {
  EXPECT_EQ("SkylakeX", BetterBlasKernel("Prescott", true, true));
  EXPECT_EQ("Haswell", BetterBlasKernel("Prescott", true, false));
  EXPECT_EQ("Haswell", BetterBlasKernel("Barcelona", true, false));
  EXPECT_EQ("SkylakeX", BetterBlasKernel("Sandybridge", true, true));
}

TEST(BlasKernelTest, AProcessorWithoutAvx2KeepsWhatItHas) {
  EXPECT_EQ("", BetterBlasKernel("Prescott", false, false));
  EXPECT_EQ("", BetterBlasKernel("Nehalem", false, false));
}

TEST(BlasKernelTest, KernelsForAvx2AndUnknownOnesStay) {
  for (const char* name : {"Haswell", "Zen", "SkylakeX", "Cooperlake",
                           "SapphireRapids", "OfTheYear2030", ""}) {
    EXPECT_EQ("", BetterBlasKernel(name, true, true)) << name;
  }
}

TEST(BlasKernelTest, ItsTextSaysWhatOpenBlasTook) {
  EXPECT_EQ("Zen", (BlasKernel{"Zen", ""}).Text());
  EXPECT_EQ("Haswell, where OpenBLAS took Prescott",
            (BlasKernel{"Haswell", "Prescott"}).Text());
}

// OpenBLAS as on a processor that it does not know.
class UnknownProcessorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!gotoblas_dynamic_init) GTEST_SKIP() << "a BLAS of one kernel";
    if (const char* named = std::getenv("OPENBLAS_CORETYPE")) named_ = named;
    at_first_ = ChosenBlasKernel().name;
    Take("Prescott");
    unsetenv("OPENBLAS_CORETYPE");
  }
  void TearDown() override {
    if (!gotoblas_dynamic_init) return;
    Take(at_first_);
    unsetenv("OPENBLAS_CORETYPE");
    ChooseBlasKernel();
    if (!named_.empty()) setenv("OPENBLAS_CORETYPE", named_.c_str(), 1);
  }

  static void Take(const std::string& kernel) {
    setenv("OPENBLAS_CORETYPE", kernel.c_str(), 1);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
  }

  std::string named_, at_first_;
};

TEST_F(UnknownProcessorTest, TakesTheProcessorsKernel) {
  const BlasKernel& kernel = ChooseBlasKernel();
  const bool avx2 = HasAvx2();
  EXPECT_EQ(avx2, kernel.name == "Haswell" || kernel.name == "SkylakeX");
  EXPECT_EQ(avx2 ? "Prescott" : "", kernel.instead_of);
  EXPECT_EQ(nullptr, std::getenv("OPENBLAS_CORETYPE"));
}

TEST_F(UnknownProcessorTest, AKernelThatTheEnvironmentNamesStays) {
  setenv("OPENBLAS_CORETYPE", "Prescott", 1);
  const BlasKernel& kernel = ChooseBlasKernel();
  EXPECT_EQ("Prescott", kernel.name);
  EXPECT_EQ("", kernel.instead_of);
}

TEST_F(UnknownProcessorTest, ProductsAreRight) {
  ChooseBlasKernel();
  const int m = 65, n = 97, k = 130;  // no multiples of a block
  std::vector<float> a(m * k), b(k * n), c(m * n);
  for (int i = 0; i < m * k; ++i) a[i] = i % 7 - 3;
  for (int i = 0; i < k * n; ++i) b[i] = i % 5 - 2;
  caffe::caffe_cpu_gemm<float>(CblasNoTrans, CblasNoTrans, m, n, k, 1, a.data(),
                               b.data(), 0, c.data());
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      float sum = 0;  // of whole numbers: exact in any order
      for (int l = 0; l < k; ++l) sum += a[i * k + l] * b[l * n + j];
      ASSERT_EQ(sum, c[i * n + j]) << i << ", " << j;
    }
  }
}

}  // namespace drdl
