#include "drdl/snapshot_lock.hpp"

#include <fcntl.h>
#include <glog/logging.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/weak_ptr.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "drdl/input_error.hpp"

namespace drdl {

boost::shared_ptr<SnapshotLock> SnapshotLock::Take(const std::string& prefix) {
  static std::mutex one_at_a_time;
  static std::map<std::string, boost::weak_ptr<SnapshotLock> > taken;
  const std::lock_guard<std::mutex> guard(one_at_a_time);
  boost::weak_ptr<SnapshotLock>& mine = taken[prefix];
  boost::shared_ptr<SnapshotLock> lock = mine.lock();
  if (!lock) {
    lock.reset(new SnapshotLock(prefix + ".lock"));
    mine = lock;
  }
  return lock;
}

SnapshotLock::SnapshotLock(const std::string& path)
    : path_(path), descriptor_(-1) {
  for (;;) {
    descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
      throw InputError(
          std::string("cannot write snapshots: ") + strerror(errno), path,
          "set another snapshot_prefix in the solver");
    }
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      close(descriptor_);
      descriptor_ = -1;
      if (reason != EWOULDBLOCK) {
        LOG(WARNING) << "No locks on this file system (" << strerror(reason)
                     << "); see to it that no other training writes " << path;
        return;
      }
      throw InputError("another training writes these snapshots", path,
                       "wait for its end, or set another snapshot_prefix in "
                       "the solver");
    }
    // The one who held it may have deleted the file in between.
    struct stat ours, named;
    if (fstat(descriptor_, &ours) == 0 && stat(path.c_str(), &named) == 0 &&
        ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) {
      return;
    }
    close(descriptor_);
  }
}

SnapshotLock::~SnapshotLock() {
  if (descriptor_ < 0) return;
  unlink(path_.c_str());
  close(descriptor_);
}

std::string SolverStateOf(const std::string& file) {
  const std::string weights = ".caffemodel";
  for (const std::string form : {"", ".h5"}) {
    const std::string ending = weights + form;
    if (file.size() < ending.size() ||
        file.compare(file.size() - ending.size(), ending.size(), ending) != 0) {
      continue;
    }
    const std::string state =
        file.substr(0, file.size() - ending.size()) + ".solverstate" + form;
    if (access(state.c_str(), R_OK) != 0) {
      throw InputError("weights, where a solver state is expected", file,
                       "give the .solverstate of that snapshot to go on, or "
                       "the weights as --weights to begin from them");
    }
    LOG(INFO) << "Taking the solver state beside the weights: " << state;
    return state;
  }
  return file;
}

}  // namespace drdl
