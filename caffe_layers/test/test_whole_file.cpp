#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "caffe/proto/caffe.pb.h"
#include "caffe/util/io.hpp"
#include "drdl/input_error.hpp"
#include "drdl/snapshot_lock.hpp"
#include "drdl/whole_file.hpp"
#include "gtest/gtest.h"
#include "refused.hpp"

namespace drdl {
namespace {

class WholeFileTest : public ::testing::Test {
 protected:
  WholeFileTest() {
    char name[] = "/tmp/whole_file_XXXXXX";
    folder_ = mkdtemp(name);
    path_ = folder_ + "/file";
  }
  ~WholeFileTest() { EXPECT_EQ(system(("rm -rf " + folder_).c_str()), 0); }

  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }
  static void Put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  int Entries() const {
    int count = 0;
    DIR* open = opendir(folder_.c_str());
    while (readdir(open)) ++count;
    closedir(open);
    return count - 2;  // . and ..
  }
  /// Exit code of what runs in a process of its own.
  static int InAChild(const std::function<void()>& body) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        body();
      } catch (const InputError&) {
        _exit(1);
      }
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string folder_, path_;
};

TEST_F(WholeFileTest, AppearsWhenWhole) {
  {
    WholeFile file(path_);
    file.Write("whole", 5);
    EXPECT_NE(access(path_.c_str(), F_OK), 0);
    file.Commit();
  }
  EXPECT_EQ(Content(path_), "whole");
  EXPECT_EQ(Entries(), 1);
}

TEST_F(WholeFileTest, LeavesTheEarlierOneWhereItIsNotCommitted) {
  Put(path_, "earlier");
  {
    WholeFile(path_).Write("half", 4);
  }
  EXPECT_EQ(Content(path_), "earlier");
  EXPECT_EQ(Entries(), 1);
}

TEST_F(WholeFileTest, LeavesTheEarlierOneWhereTheDiskIsFull) {
  Put(path_, "earlier");
  const int code = InAChild([this] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    WholeFile file(path_);
    const std::string bytes(2000, 'x');
    file.Write(bytes.data(), bytes.size());
    file.Commit();
  });
  EXPECT_EQ(code, 1);
  EXPECT_EQ(Content(path_), "earlier");
  EXPECT_EQ(Entries(), 1);
}

TEST_F(WholeFileTest, DeletesWhatAKilledProcessLeft) {
  const pid_t dead = fork();
  if (dead == 0) _exit(0);
  waitpid(dead, NULL, 0);
  Put(folder_ + "/.file." + std::to_string(dead) + ".part", "half");
  Put(folder_ + "/.other." + std::to_string(dead) + ".part", "half");
  Put(folder_ + "/.file." + std::to_string(getppid()) + ".part", "a living's");
  WholeFile(path_).Commit();
  EXPECT_EQ(Entries(), 3);
}

TEST_F(WholeFileTest, ALinkStaysOne) {
  Put(folder_ + "/target", "earlier");
  ASSERT_EQ(symlink("target", path_.c_str()), 0);
  {
    WholeFile file(path_);
    file.Write("new", 3);
    file.Commit();
  }
  struct stat found;
  ASSERT_EQ(lstat(path_.c_str(), &found), 0);
  EXPECT_TRUE(S_ISLNK(found.st_mode));
  EXPECT_EQ(Content(folder_ + "/target"), "new");
}

TEST_F(WholeFileTest, ADeviceIsWrittenAsItIs) {
  {
    WholeFile null("/dev/null");
    null.Write("gone", 4);
    null.Commit();
  }
  struct stat found;
  ASSERT_EQ(stat("/dev/null", &found), 0);
  EXPECT_TRUE(S_ISCHR(found.st_mode));
  EXPECT_REFUSED(WholeFile("/dev/full").Write("x", 1),
                 "No space left on device\n  where: /dev/full");
}

TEST_F(WholeFileTest, SaysWhyNot) {
  EXPECT_REFUSED(WholeFile(folder_ + "/no/file"), "No such file or directory");
  EXPECT_REFUSED(WholeFile{folder_}, "Is a directory");
}

TEST_F(WholeFileTest, ASealedMessageIsReadByAllAndTellsEveryDamage) {
  caffe::NetParameter net, again;
  net.set_name("small");
  net.add_layer()->set_name("fc8");
  net.mutable_layer(0)->add_blobs()->add_data(0.5);
  caffe::WriteProtoToBinaryFile(net, path_.c_str());
  ASSERT_TRUE(caffe::ReadProtoFromBinaryFile(path_.c_str(), &again));
  const std::string whole = Content(path_);
  // What another Caffe parses is the same net, behind an unknown field.
  EXPECT_EQ(whole.substr(Seal::Size(Seal::PROTO)), net.SerializeAsString());
  ASSERT_TRUE(again.ParseFromString(whole));
  EXPECT_EQ(again.seal().bytes(), whole.size());
  again.clear_seal();
  EXPECT_EQ(again.SerializeAsString(), net.SerializeAsString());
  for (size_t i = Seal::Size(Seal::PROTO); i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 1;
    Put(path_, damaged);
    EXPECT_REFUSED(caffe::ReadProtoFromBinaryFile(path_.c_str(), &again),
                   "damaged");
  }
  for (size_t size = Seal::Size(Seal::PROTO); size < whole.size(); ++size) {
    Put(path_, whole.substr(0, size));
    EXPECT_REFUSED(caffe::ReadProtoFromBinaryFile(path_.c_str(), &again),
                   "cut off");
  }
  Put(path_, whole + "x");
  EXPECT_REFUSED(caffe::ReadProtoFromBinaryFile(path_.c_str(), &again),
                 "damaged");
}

TEST_F(WholeFileTest, OneWithoutASealIsRead) {
  caffe::NetParameter net, again;
  net.set_name("from another Caffe");
  Put(path_, net.SerializeAsString());
  ASSERT_TRUE(caffe::ReadProtoFromBinaryFile(path_.c_str(), &again));
  EXPECT_EQ(again.name(), "from another Caffe");
}

TEST_F(WholeFileTest, WhatIsNoFileToReadIsRefused) {
  EXPECT_REFUSED(CheckReadable(folder_, "weights", true), "a folder, where");
  EXPECT_REFUSED(CheckReadable(path_, "weights", true), "No such file");
  EXPECT_REFUSED(CheckReadable("/dev/null", "weights", true),
                 "no regular file");
  Put(path_, "");
  EXPECT_REFUSED(CheckReadable(path_, "weights", true), "is empty");
  Put(path_, "x");
  CheckReadable(path_, "weights", true);
}

TEST_F(WholeFileTest, AnotherProcessIsRefusedThePrefix) {
  const auto take = [this] { SnapshotLock::Take(path_); };
  {
    const boost::shared_ptr<SnapshotLock> lock = SnapshotLock::Take(path_);
    const boost::shared_ptr<SnapshotLock> shared = SnapshotLock::Take(path_);
    EXPECT_EQ(lock, shared);
    // The child must not share the parent's open file: it opens its own.
    EXPECT_EQ(system(("flock --nonblock " + path_ + ".lock true").c_str()) != 0,
              true);
  }
  EXPECT_EQ(InAChild(take), 0);
  EXPECT_EQ(Entries(), 0);
}

TEST_F(WholeFileTest, TheStateBesideTheWeights) {
  const std::string weights = path_ + ".caffemodel";
  EXPECT_REFUSED(SolverStateOf(weights), "give the .solverstate");
  Put(path_ + ".solverstate", "state");
  EXPECT_EQ(SolverStateOf(weights), path_ + ".solverstate");
  Put(path_ + ".solverstate.h5", "state");
  EXPECT_EQ(SolverStateOf(weights + ".h5"), path_ + ".solverstate.h5");
  EXPECT_EQ(SolverStateOf("any"), "any");
}

}  // namespace
}  // namespace drdl
