#include <unistd.h>

#include <boost/thread.hpp>
#include <vector>

#include "caffe/internal_thread.hpp"
#include "drdl/input_error.hpp"
#include "gtest/gtest.h"

namespace drdl {
namespace {

// What the solvers' threads do that meet a bad record, all at one time.
class FailingThread : public caffe::InternalThread {
 public:
  boost::barrier* together;

 private:
  void InternalThreadEntry() override {
    together->wait();
    throw InputError("corrupt image", "data/lmdb, record 7", "build it again");
  }
};

// As rank 0 does, whose thread never comes to look what its workers do.
void StartAndWait(int threads) {
  boost::barrier together(threads);
  std::vector<FailingThread> workers(threads);
  for (FailingThread& worker : workers) {
    worker.together = &together;
    worker.StartInternalThread();
  }
  while (true) pause();
}

TEST(InputErrorDeathTest, InAThreadThatOthersWaitFor) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(StartAndWait(1), ::testing::ExitedWithCode(1),
              "^error: corrupt image\n  where: data/lmdb, record 7\n"
              "  next: build it again\n$");
}

TEST(InputErrorDeathTest, InSeveralThreadsIsToldOnce) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(StartAndWait(16), ::testing::ExitedWithCode(1),
              "^error: [^:]*where: [^:]*next: build it again\n$");
}

}  // namespace
}  // namespace drdl
