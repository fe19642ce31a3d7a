#include <unistd.h>

#include <string>

#include "caffe/internal_thread.hpp"
#include "drdl/input_error.hpp"
#include "gtest/gtest.h"

namespace drdl {
namespace {

// What a GPU's solver does that meets a bad record.
class FailingThread : public caffe::InternalThread {
  void InternalThreadEntry() override {
    throw InputError("corrupt image", "data/lmdb, record 7", "build it again");
  }
};

// As the first solver's thread, which never looks what the others do.
void StartAndWait() {
  FailingThread worker;
  worker.StartInternalThread();
  while (true) pause();
}

TEST(InputErrorDeathTest, InAThreadThatOthersWaitFor) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(StartAndWait(), ::testing::ExitedWithCode(1),
              "^error: corrupt image\n  where: data/lmdb, record 7\n"
              "  next: build it again\n$");
}

TEST(InputErrorTest, IsThreeLinesThatCanBeShown) {
  const struct {
    std::string name, shown;
  } cases[] = {
      {"a name", "a name"},
      {"B\xC3\xA4r \xE8\xBD\xA6 \xF0\x9F\x9A\x97",
       "B\xC3\xA4r \xE8\xBD\xA6 \xF0\x9F\x9A\x97"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"two\nlines", "two lines"},
      {"\x1B[31mred\x7F", "\\x1b[31mred\\x7f"},
      {"\xFF\xC0\x80", "\\xff\\xc0\\x80"},
      {"cut \xE8\xBD", "cut \\xe8\\xbd"},
      {"\xED\xA0\x80", "\\xed\\xa0\\x80"},  // a surrogate
      {"\xE2\x80\xAEgnp", "\\u202egnp"},    // right to left
      {"\xC2\x9B"
       "31m",
       "\\x9b31m"},                                  // C1
      {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
  };
  for (const auto& c : cases) {
    EXPECT_EQ(std::string(InputError(c.name, c.name, c.name).what()),
              c.shown + "\n  where: " + c.shown + "\n  next: " + c.shown);
  }
  const std::string large(100000, 'x');
  EXPECT_LT(std::string(InputError(large, "", "").what()).size(), 2100);
}

}  // namespace
}  // namespace drdl
