#include <unistd.h>

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

}  // namespace
}  // namespace drdl
