#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "drdl/counter_rng.hpp"
#include "gtest/gtest.h"

namespace drdl {

// Random123's kat_vectors, philox4x32 with 10 rounds.
TEST(CounterRngTest, TestKnownAnswers) {
  const struct {
    uint32_t counter[4], key[2], expected[4];
  } vectors[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (const auto& vector : vectors) {
    uint32_t out[4];
    CounterRng::Block(vector.key, vector.counter, out);
    EXPECT_TRUE(std::equal(out, out + 4, vector.expected));
  }
}

TEST(CounterRngTest, TestNextWalksTheBlocks) {
  const uint32_t key[2] = {1, 2};
  CounterRng rng(1, 2, 3, 4, 5);
  for (uint32_t block = 0; block < 3; ++block) {
    const uint32_t counter[4] = {3, 4, 5, block};
    uint32_t expected[4];
    CounterRng::Block(key, counter, expected);
    for (uint32_t word : expected) EXPECT_EQ(rng.Next(), word);
  }
}

TEST(CounterRngTest, TestEveryPartOfTheNameCounts) {
  std::set<uint32_t> first;
  for (int part = 0; part < 6; ++part) {
    uint32_t name[5] = {1, 1, 1, 1, 1};
    if (part < 5) name[part] = 2;
    first.insert(
        CounterRng(name[0], name[1], name[2], name[3], name[4]).Next());
  }
  EXPECT_EQ(first.size(), 6);
}

TEST(CounterRngTest, TestBelowIsUniform) {
  CounterRng rng(1, 2, 3, 4);
  const int n = 7, draws = 70000;
  std::vector<int> count(n);
  for (int i = 0; i < draws; ++i) {
    const uint32_t value = rng.Below(n);
    ASSERT_LT(value, n);
    ++count[value];
  }
  double chi_square = 0;
  for (int c : count) chi_square += (c - 1e4) * (c - 1e4) / 1e4;
  EXPECT_LT(chi_square, 22.5);  // 0.1 % of fair generators exceed it
  EXPECT_EQ(rng.Below(1), 0);
}

// With 3 * 2^30 outcomes a plain modulo doubles the lowest third, and
// multiplying without rejection doubles every third number.
TEST(CounterRngTest, TestBelowHasNoModuloBias) {
  CounterRng rng(5, 6, 7, 8);
  const uint32_t n = 3u << 30;
  int third[3] = {0, 0, 0}, residue[3] = {0, 0, 0};
  for (int i = 0; i < 30000; ++i) {
    const uint32_t value = rng.Below(n);
    ASSERT_LT(value, n);
    ++third[value >> 30];
    ++residue[value % 3];
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(third[i], 10000, 400);
    EXPECT_NEAR(residue[i], 10000, 400);
  }
}

}  // namespace drdl
