#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "drdl/counter_rng.hpp"
#include "drdl/prefetch_ring.hpp"
#include "gtest/gtest.h"

namespace drdl {
namespace {

uint32_t Expected(uint64_t step, int item) {
  return CounterRng(1, 2, step, item).Next();
}

TEST(ThreadsOfEachTest, TestWorkersShareTheProcessors) {
  EXPECT_EQ(ThreadsOfEach(16, 1), 16);
  EXPECT_EQ(ThreadsOfEach(16, 3), 5);
  EXPECT_EQ(ThreadsOfEach(2, 8), 1);
  EXPECT_EQ(ThreadsOfEach(0, 1), 1);  // processors unknown
}

// Work whose results can be checked, and that can be told to fail.
class Factory {
 public:
  Factory(int buffers, int items)
      : items_(items), made_(buffers, std::vector<uint32_t>(items)) {}

  PrefetchRing::Work Work() {
    PrefetchRing::Work work;
    work.begin = [this](uint64_t step, int buffer) {
      EXPECT_EQ(busy_beginning_.exchange(true), false) << "begins overlap";
      made_[buffer].assign(items_, 0);
      Fail("begin", step);
      busy_beginning_ = false;
    };
    work.item = [this](uint64_t step, int buffer, int item) {
      // Some items take longer, so that threads overtake each other.
      for (uint32_t i = Expected(step, item) % 4; i > 0; --i) {
        std::this_thread::yield();
      }
      made_[buffer][item] += Expected(step, item);
      if (item == items_ / 2) Fail("item", step);
    };
    work.end = [this](int buffer) {
      for (uint32_t& value : made_[buffer]) value = ~value;
      Fail("end", buffer);
    };
    return work;
  }

  /// Makes one call throw, each time: begin or item of a step, or end of a
  /// buffer.
  void FailAt(const std::string& call, uint64_t number) {
    fail_call_ = call;
    fail_number_ = number;
  }

  void ExpectMade(uint64_t step, int buffer) const {
    for (int item = 0; item < items_; ++item) {
      ASSERT_EQ(made_[buffer][item], ~Expected(step, item))
          << "item " << item << " of step " << step;
    }
  }

 private:
  void Fail(const std::string& call, uint64_t number) {
    if (call != fail_call_ || number != fail_number_) return;
    busy_beginning_ = false;
    throw std::runtime_error(call + " fails");
  }

  const int items_;
  std::vector<std::vector<uint32_t> > made_;
  std::atomic<bool> busy_beginning_{false};
  std::string fail_call_;
  uint64_t fail_number_ = 0;
};

std::string WhatTakeThrows(PrefetchRing* ring, uint64_t step) {
  try {
    ring->Take(step);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

class PrefetchRingTest : public ::testing::TestWithParam<int> {
 protected:
  const int threads_ = GetParam();
};

TEST_P(PrefetchRingTest, TestInOrder) {
  for (int buffers : {1, 2, 3, 5}) {
    for (int items : {1, 2, 17}) {
      Factory factory(buffers, items);
      PrefetchRing ring(threads_, buffers, items, 0, factory.Work());
      for (uint64_t step = 0; step < 60; ++step) {
        factory.ExpectMade(step, ring.Take(step));
      }
    }
  }
}

TEST_P(PrefetchRingTest, TestStartsWhereItIsTold) {
  Factory factory(3, 4);
  const uint64_t first = (uint64_t(1) << 40) + 5;
  PrefetchRing ring(threads_, 3, 4, first, factory.Work());
  for (uint64_t step = first; step < first + 10; ++step) {
    factory.ExpectMade(step, ring.Take(step));
  }
}

// All that may be made ahead is made while the first batch is in use, and
// nothing is made into its buffer.
TEST_P(PrefetchRingTest, TestABufferInUseStaysAsItIs) {
  const int buffers = 4;
  Factory factory(buffers, 3);
  std::atomic<uint64_t> asked(0), ended(0), too_early(0);
  PrefetchRing::Work work = factory.Work();
  const auto begin = work.begin;
  work.begin = [&](uint64_t step, int buffer) {
    too_early += step >= asked + buffers;
    begin(step, buffer);
  };
  const auto end = work.end;
  work.end = [&](int buffer) {
    end(buffer);
    ++ended;
  };
  PrefetchRing ring(threads_, buffers, 3, 0, work);
  for (uint64_t step = 0; step < 50; ++step) {
    asked = step;
    const int buffer = ring.Take(step);
    while (ended < step + buffers) std::this_thread::yield();
    factory.ExpectMade(step, buffer);
  }
  EXPECT_EQ(too_early, 0);
}

// Every kind of step: on, again, back, far ahead, and a few on from there.
TEST_P(PrefetchRingTest, TestManyRandomJumps) {
  Factory factory(3, 5);
  PrefetchRing ring(threads_, 3, 5, 0, factory.Work());
  CounterRng rng(1, 2, 3, 4);
  uint64_t step = 0;
  for (int i = 0; i < 3000; ++i) {
    factory.ExpectMade(step, ring.Take(step));
    step = rng.Below(2) ? step + 1 : rng.Below(20);
  }
}

TEST_P(PrefetchRingTest, TestErrorsArriveAtTheirBatch) {
  const struct {
    std::string call;
    uint64_t number;
  } failures[] = {{"begin", 7}, {"item", 7}, {"end", 7}};
  for (const auto& failure : failures) {
    for (int repeat = 0; repeat < 30; ++repeat) {
      Factory factory(8, 5);  // step 7 is the first in buffer 7
      factory.FailAt(failure.call, failure.number);
      PrefetchRing ring(threads_, 8, 5, 0, factory.Work());
      for (uint64_t step = 0; step < 7; ++step) {
        factory.ExpectMade(step, ring.Take(step));
      }
      const std::string expected = failure.call + " fails";
      EXPECT_EQ(WhatTakeThrows(&ring, 7), expected);
      EXPECT_EQ(WhatTakeThrows(&ring, 7), expected) << "the error stays";
      // Batches without the fault can still be had.
      factory.ExpectMade(8, ring.Take(8));
      factory.ExpectMade(2, ring.Take(2));
    }
  }
}

TEST_P(PrefetchRingTest, TestAnErrorAheadIsForgottenByAJump) {
  for (int repeat = 0; repeat < 30; ++repeat) {
    Factory factory(4, 5);
    factory.FailAt("item", 2);
    PrefetchRing ring(threads_, 4, 5, 0, factory.Work());
    factory.ExpectMade(0, ring.Take(0));
    for (uint64_t step = 9; step < 15; ++step) {
      factory.ExpectMade(step, ring.Take(step));
    }
  }
}

TEST_P(PrefetchRingTest, TestDestroyedWhileBusy) {
  for (uint64_t takes = 0; takes < 300; ++takes) {
    Factory factory(3, 5);
    PrefetchRing ring(threads_, 3, 5, 0, factory.Work());
    for (uint64_t step = 0; step < takes % 3; ++step) ring.Take(step);
  }
}

TEST_P(PrefetchRingTest, TestDestroyedAfterAnError) {
  for (int repeat = 0; repeat < 100; ++repeat) {
    Factory factory(3, 5);
    factory.FailAt(repeat % 2 ? "begin" : "item", 1);
    PrefetchRing ring(threads_, 3, 5, 0, factory.Work());
    if (repeat % 4 < 2) ring.Take(0);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, PrefetchRingTest, ::testing::Values(1, 2, 8));

}  // namespace
}  // namespace drdl
