#ifndef DRDL_COUNTER_RNG_HPP_
#define DRDL_COUNTER_RNG_HPP_

#include <cstdint>

#ifdef __CUDACC__
#define DRDL_HOST_DEVICE __host__ __device__
#else
#define DRDL_HOST_DEVICE
#endif

namespace drdl {

/**
 * @brief Philox4x32-10: random numbers as a pure function of a counter.
 *
 * J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * One CounterRng is a stream named by (seed, a, b, c); no state is shared, so
 * any thread on any device draws the same numbers for the same name.
 */
class CounterRng {
 public:
  DRDL_HOST_DEVICE CounterRng(uint32_t seed, uint32_t stream, uint32_t a,
                              uint32_t b, uint32_t c = 0)
      : key_{seed, stream}, counter_{a, b, c, 0}, used_(4) {}

  /// The next 32 random bits.
  DRDL_HOST_DEVICE uint32_t Next() {
    if (used_ == 4) {
      Block(key_, counter_, block_);
      ++counter_[3];
      used_ = 0;
    }
    return block_[used_++];
  }

  /// Uniform on 0 .. n - 1, without modulo bias; n > 0.
  DRDL_HOST_DEVICE uint32_t Below(uint32_t n) {
    // Lemire's multiply-and-reject: numbers below 2^32 mod n are drawn again.
    const uint32_t reject = (0u - n) % n;
    uint64_t product;
    do {
      product = static_cast<uint64_t>(Next()) * n;
    } while (static_cast<uint32_t>(product) < reject);
    return static_cast<uint32_t>(product >> 32);
  }

  /// The bijection itself: ten rounds over one 128-bit counter.
  DRDL_HOST_DEVICE static void Block(const uint32_t key[2],
                                     const uint32_t counter[4],
                                     uint32_t out[4]) {
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t x0 = counter[0], x1 = counter[1];
    uint32_t x2 = counter[2], x3 = counter[3];
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * x0;
      const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57u) * x2;
      x0 = static_cast<uint32_t>(p1 >> 32) ^ x1 ^ k0;
      x1 = static_cast<uint32_t>(p1);
      x2 = static_cast<uint32_t>(p0 >> 32) ^ x3 ^ k1;
      x3 = static_cast<uint32_t>(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
  }

 private:
  uint32_t key_[2];
  uint32_t counter_[4];
  uint32_t block_[4];
  int used_;
};

}  // namespace drdl

#endif  // DRDL_COUNTER_RNG_HPP_
