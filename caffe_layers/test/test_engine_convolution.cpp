#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "drdl/engine/convolution.hpp"
#include "drdl/engine/kernels.hpp"
#include "drdl/engine/parallel.hpp"
#include "gtest/gtest.h"

namespace drdl {
namespace engine {

namespace {

/// The sums of a convolution, one after the other, in double.
struct Reference {
  std::vector<double> top, bottom_diff, filters_diff;

  Reference(const ConvolutionShape& s, const std::vector<double>& bottom,
            const std::vector<double>& filters,
            const std::vector<double>& bias,
            const std::vector<double>& top_diff)
      : top(top_diff.size()),
        bottom_diff(bottom.size()),
        filters_diff(filters.size()) {
    const int channels = s.channels / s.groups, outputs = s.outputs / s.groups;
    for (size_t at = 0; at < top.size(); ++at) {
      const int x = at % s.out_width();
      const int y = at / s.out_width() % s.out_height();
      const int k = at / s.out_width() / s.out_height() % s.outputs;
      const int n = at / s.top_size();
      top[at] = bias[k];
      for (int i = 0; i < channels * s.kernel_h * s.kernel_w; ++i) {
        const int kw = i % s.kernel_w, kh = i / s.kernel_w % s.kernel_h;
        const int c = k / outputs * channels + i / s.kernel_w / s.kernel_h;
        const int h = y * s.stride_h - s.pad_h + kh * s.dilation_h;
        const int w = x * s.stride_w - s.pad_w + kw * s.dilation_w;
        if (h < 0 || w < 0 || h >= s.height || w >= s.width) continue;
        const size_t in =
            ((size_t(n) * s.channels + c) * s.height + h) * s.width + w;
        const size_t filter = size_t(k) * s.filter_size() + i;
        top[at] += bottom[in] * filters[filter];
        bottom_diff[in] += top_diff[at] * filters[filter];
        filters_diff[filter] += top_diff[at] * bottom[in];
      }
    }
  }
};

std::vector<double> Random(size_t count, int seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<double> values(count);
  for (double& value : values) value = normal(generator);
  return values;
}

template <typename Dtype>
double LargestError(const std::vector<Dtype>& found,
                    const std::vector<double>& expected) {
  double error = 0, largest = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    error = std::max(error, std::abs(found[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return error / largest;
}

/// What all passes give on so many threads.
template <typename Dtype>
struct Passes {
  std::vector<Dtype> top, bottom_diff, filters_diff, bias_diff;

  Passes(const ConvolutionShape& shape, ConvolutionWay way, int threads,
         const std::vector<Dtype>& bottom, const std::vector<Dtype>& filters,
         const std::vector<Dtype>& bias, const std::vector<Dtype>& top_diff)
      : top(top_diff.size(), 7),  // what stood there does not count
        bottom_diff(bottom.size(), 7),
        filters_diff(filters.size(), 1),  // is added to
        bias_diff(bias.size(), 1) {
    SetThreads(threads);
    Convolution<Dtype> convolution(shape, way);
    convolution.Forward(bottom.data(), filters.data(), bias.data(), top.data());
    convolution.BottomDiff(top_diff.data(), filters.data(), bottom_diff.data());
    convolution.FilterDiff(bottom.data(), top_diff.data(), filters_diff.data());
    convolution.BiasDiff(top_diff.data(), bias_diff.data());
  }

  bool operator==(const Passes& other) const {
    const auto same = [](const std::vector<Dtype>& a,
                         const std::vector<Dtype>& b) {
      return std::memcmp(a.data(), b.data(), a.size() * sizeof(Dtype)) == 0;
    };
    return same(top, other.top) && same(bottom_diff, other.bottom_diff) &&
           same(filters_diff, other.filters_diff) &&
           same(bias_diff, other.bias_diff);
  }
};

const ConvolutionShape kShapes[] = {
    // images, channels, height, width, outputs, groups, kernel, stride, pad,
    // dilation
    {5, 32, 13, 13, 48, 1, 3, 3, 1, 1, 1, 1, 1, 1},
    {3, 6, 9, 11, 4, 2, 3, 3, 1, 1, 0, 2, 1, 1},
    {37, 16, 5, 4, 16, 1, 3, 3, 1, 1, 1, 1, 1, 1},
    {4, 3, 20, 21, 8, 1, 7, 5, 2, 3, 0, 1, 1, 1},
    {4, 4, 12, 12, 6, 2, 3, 3, 2, 2, 1, 1, 2, 2},
    {6, 8, 7, 7, 10, 1, 1, 1, 1, 1, 0, 0, 1, 1},
    {20, 8, 3, 3, 10, 1, 1, 1, 1, 1, 0, 0, 1, 1},
    {2, 8, 6, 6, 4, 1, 5, 5, 1, 1, 4, 4, 1, 1},
    {1, 2, 3, 3, 2, 1, 3, 3, 1, 1, 0, 0, 1, 1},
    {3, 4, 8, 8, 4, 4, 2, 2, 3, 3, 1, 1, 1, 1},
    {2, 5, 4, 4, 3, 1, 1, 1, 2, 2, 1, 0, 1, 1},
};

}  // namespace

template <typename Dtype>
class EngineConvolutionTest : public testing::Test {
 protected:
  void TearDown() override { SetThreads(before_); }

  const int before_ = Threads();
};

using Dtypes = testing::Types<float, double>;
TYPED_TEST_SUITE(EngineConvolutionTest, Dtypes);

// Winograd's numbers grow on the way: F(4x4, 3x3) errs by a digit more.
TYPED_TEST(EngineConvolutionTest, TestAllPassesOnAnyNumberOfThreads) {
  const double epsilon = std::numeric_limits<TypeParam>::epsilon();
  for (const ConvolutionShape& s : kShapes) {
    const auto bottom = Random(s.images * s.bottom_size(), 1);
    const auto filters = Random(s.filters_size(), 2);
    const auto bias = Random(s.outputs, 3);
    const auto top_diff = Random(s.images * s.top_size(), 4);
    const Reference reference(s, bottom, filters, bias, top_diff);
    const auto as = [](const std::vector<double>& values) {
      return std::vector<TypeParam>(values.begin(), values.end());
    };
    for (ConvolutionWay way :
         {ConvolutionWay::kProduct, ConvolutionWay::kWinograd}) {
      if (way == ConvolutionWay::kWinograd && !WinogradServes(s)) continue;
      SCOPED_TRACE(testing::Message()
                   << (way == ConvolutionWay::kWinograd ? "Winograd" : "product")
                   << ", shape " << &s - kShapes);
      const Passes<TypeParam> one(s, way, 1, as(bottom), as(filters), as(bias),
                                  as(top_diff));
      const double most =
          (way == ConvolutionWay::kWinograd ? 100 : 10) * epsilon;
      EXPECT_LT(LargestError(one.top, reference.top), most);
      EXPECT_LT(LargestError(one.bottom_diff, reference.bottom_diff), most);
      auto filters_diff = reference.filters_diff;
      for (double& value : filters_diff) value += 1;
      EXPECT_LT(LargestError(one.filters_diff, filters_diff), most);
      std::vector<double> bias_diff(s.outputs, 1);
      for (size_t i = 0; i < top_diff.size(); ++i) {
        const int plane = s.out_height() * s.out_width();
        bias_diff[i / plane % s.outputs] += top_diff[i];
      }
      EXPECT_LT(LargestError(one.bias_diff, bias_diff), 20 * epsilon);
      for (int threads : {2, 4, 8}) {
        const Passes<TypeParam> more(s, way, threads, as(bottom), as(filters),
                                     as(bias), as(top_diff));
        EXPECT_TRUE(one == more) << threads << " threads";
      }
    }
  }
}

TEST(EngineParallelTest, TestEachIndexOnce) {
  const int before = Threads();
  for (int threads : {1, 2, 5}) {
    SetThreads(threads);
    std::vector<int> times(1000, 0);
    Parallel(1000, [&](int i) { ++times[i]; });
    EXPECT_EQ(times, std::vector<int>(1000, 1));
    ParallelSlices(1000, 7, [&](int begin, int end) {
      // Within another, it runs on this thread alone.
      Parallel(end - begin, [&](int i) { ++times[begin + i]; });
    });
    EXPECT_EQ(times, std::vector<int>(1000, 2));
  }
  SetThreads(before);
}

TEST(EngineParallelTest, TestThrowsWhatABodyThrows) {
  const int before = Threads();
  for (int threads : {1, 3}) {
    SetThreads(threads);
    EXPECT_THROW(Parallel(100,
                          [](int i) {
                            if (i == 50) throw std::runtime_error("fifty");
                          }),
                 std::runtime_error);
    int sum = 0;  // and goes on
    Parallel(1, [&](int i) { sum += i + 1; });
    EXPECT_EQ(sum, 1);
  }
  SetThreads(before);
}

// Both sets of loops do the same, where the processor has the second.
TEST(EngineKernelsTest, TestProcessorsDifferByRounding) {
  if (std::string(BestKernels<float>().name) == "baseline") GTEST_SKIP();
  const auto values = Random(1003, 5);
  const std::vector<double> x(values.begin(), values.end());
  EXPECT_NEAR(baseline::All<double>().sum(1003, x.data()),
              avx2::All<double>().sum(1003, x.data()), 1e-11);
  EXPECT_NEAR(baseline::All<double>().dot(1003, x.data(), x.data()),
              avx2::All<double>().dot(1003, x.data(), x.data()), 1e-10);
}

}  // namespace engine
}  // namespace drdl
