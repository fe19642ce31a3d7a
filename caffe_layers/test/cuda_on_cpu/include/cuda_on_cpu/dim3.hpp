#ifndef CUDA_ON_CPU_DIM3_HPP_
#define CUDA_ON_CPU_DIM3_HPP_

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1)
      : x(x), y(y), z(z) {}
};

#endif  // CUDA_ON_CPU_DIM3_HPP_
