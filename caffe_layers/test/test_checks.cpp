#include <string>
#include <thread>

#include "drdl/checks.hpp"
#include "gtest/gtest.h"
#include "refused.hpp"

namespace drdl {
namespace {

std::string Message(void (*statement)()) {
  try {
    statement();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ChecksTest, AFailedComparisonTellsItsValues) {
  const std::string message = Message([] {
    const int outputs = 3;
    CHECK_LT(7, outputs) << ": too large a label.";
  });
  EXPECT_EQ(message.find("too large a label\n  where: the check 7 < outputs "
                         "(7 vs. 3), test_checks.cpp:"),
            0)
      << message;
  EXPECT_NE(message.find("\n  next: mend what the message names"),
            std::string::npos);
}

TEST(ChecksTest, AFailedConditionWithoutAMessageTellsTheCondition) {
  const std::string message = Message([] { CHECK(1 > 2); });
  EXPECT_EQ(message.find("this does not hold: 1 > 2\n  where: "), 0) << message;
}

TEST(ChecksTest, AFatalMessage) {
  const std::string message = Message([] { LOG(FATAL) << "unknown norm"; });
  EXPECT_EQ(message.find("unknown norm\n  where: test_checks.cpp:"), 0)
      << message;
}

TEST(ChecksTest, ANullPointer) {
  static int value = 5;
  EXPECT_EQ(*CHECK_NOTNULL(&value), 5);
  EXPECT_NE(Message([] {
              CHECK_NOTNULL(static_cast<int*>(nullptr));
            }).find("is not NULL"),
            std::string::npos);
}

TEST(ChecksTest, WhatHoldsIsEvaluatedOnceAndGoesOn) {
  int evaluated = 0;
  CHECK(++evaluated == 1) << "not read: " << ++evaluated;
  CHECK_EQ(++evaluated, 2) << "not read: " << ++evaluated;
  EXPECT_EQ(evaluated, 2);
}

TEST(ChecksTest, PlacesLieWithinEachOtherAndEnd) {
  const std::string net = "small", layer = "fc8", type = "InnerProduct";
  const std::string unnamed;
  {
    const Place in_net("net", net);
    {
      const Place in_layer("layer", layer, &type);
      EXPECT_EQ(Place::All(), "layer fc8 (InnerProduct), net small");
      EXPECT_REFUSED(CHECK(false) << "wrong",
                     "wrong\n  where: layer fc8 (InnerProduct), net small; the "
                     "check false, test_checks.cpp:");
      EXPECT_REFUSED(CHECK(false), "next: mend the layer in the net's");
    }
    EXPECT_EQ(Place::All(), "net small");
    EXPECT_REFUSED(CHECK(false), "next: mend the net's prototxt");
  }
  EXPECT_EQ(Place::All(), "");
  const Place nameless("net", unnamed);
  EXPECT_EQ(Place::All(), "net");
}

TEST(ChecksTest, PlacesEndWhereACheckFails) {
  const std::string net = "small";
  try {
    const Place in_net("net", net);
    CHECK(false);
  } catch (const InputError&) {
  }
  EXPECT_EQ(Place::All(), "");
}

// A destructor must not throw: the message comes, and the process ends with 1.
struct FailsAtItsEnd {
  ~FailsAtItsEnd() noexcept(false) { CHECK(false) << "in a destructor"; }
};

void FailTwice() {
  FailsAtItsEnd object;
  CHECK(false) << "first";
}

TEST(ChecksDeathTest, WhileTheStackUnwinds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(FailTwice(), ::testing::ExitedWithCode(1),
              "error: in a destructor");
}

TEST(ChecksDeathTest, WhereNobodyCatches) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::thread([] { CHECK(false) << "in a thread"; }).join(),
              ::testing::ExitedWithCode(1),
              "^error: in a thread\n  where: .*\n  next: .*\n$");
}

TEST(AsInputErrorTest, SaysWhatALibraryThrew) {
  EXPECT_EQ(std::string(AsInputError(std::bad_alloc()).what())
                .find("not enough memory\n  where: "),
            0);
  EXPECT_EQ(
      std::string(AsInputError(std::runtime_error("no codec\n at x")).what())
          .find("no codec\n  where: "),
      0);
}

}  // namespace
}  // namespace drdl
