// The part of cuRAND that Caffe calls; the numbers are not cuRAND's.

#include <random>

#include "curand.h"
#include "device.hpp"

namespace cuda_on_cpu {
struct Random {
  std::mt19937_64 engine;
  uint64_t seed = 0;
};
}  // namespace cuda_on_cpu

using cuda_on_cpu::Defines;
using cuda_on_cpu::Enqueue;

curandStatus_t curandCreateGenerator(curandGenerator_t* generator,
                                     curandRngType_t) {
  *generator = new cuda_on_cpu::Random;
  return CURAND_STATUS_SUCCESS;
}
curandStatus_t curandDestroyGenerator(curandGenerator_t generator) {
  delete generator;
  return CURAND_STATUS_SUCCESS;
}
curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator,
                                                  unsigned long long seed) {
  generator->engine.seed(generator->seed = seed);
  return CURAND_STATUS_SUCCESS;
}
curandStatus_t curandSetGeneratorOffset(curandGenerator_t generator,
                                        unsigned long long offset) {
  generator->engine.seed(generator->seed);
  generator->engine.discard(offset);
  return CURAND_STATUS_SUCCESS;
}
template <typename T, typename Draw>
static curandStatus_t Generate(curandGenerator_t generator, T* to, size_t n,
                               Draw draw) {
  Enqueue(nullptr, [=]() mutable {
    if (!Defines(to, sizeof(T) * n)) return;
    for (size_t i = 0; i < n; ++i) to[i] = draw(generator->engine);
  });
  return CURAND_STATUS_SUCCESS;
}
// In (0, 1], as cuRAND's.
static double Unit(std::mt19937_64& engine) {
  return ((engine() >> 40) + 1) / 16777216.;
}
curandStatus_t curandGenerate(curandGenerator_t g, unsigned* to, size_t n) {
  return Generate(g, to, n, [](std::mt19937_64& e) {
    return static_cast<unsigned>(e() >> 32);
  });
}
curandStatus_t curandGenerateUniform(curandGenerator_t g, float* to, size_t n) {
  return Generate(g, to, n, Unit);
}
curandStatus_t curandGenerateUniformDouble(curandGenerator_t g, double* to,
                                           size_t n) {
  return Generate(g, to, n, Unit);
}
template <typename T>
static curandStatus_t Normal(curandGenerator_t g, T* to, size_t n, T mean,
                             T stddev) {
  if (n % 2) return CURAND_STATUS_LENGTH_NOT_MULTIPLE;  // they come in pairs
  return Generate(g, to, n, std::normal_distribution<T>(mean, stddev));
}
curandStatus_t curandGenerateNormal(curandGenerator_t g, float* to, size_t n,
                                    float mean, float stddev) {
  return Normal(g, to, n, mean, stddev);
}
curandStatus_t curandGenerateNormalDouble(curandGenerator_t g, double* to,
                                          size_t n, double mean,
                                          double stddev) {
  return Normal(g, to, n, mean, stddev);
}
