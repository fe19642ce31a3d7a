#ifndef DRDL_SNAPSHOT_LOCK_HPP_
#define DRDL_SNAPSHOT_LOCK_HPP_

#include <boost/shared_ptr.hpp>
#include <string>

namespace drdl {

/**
 * @brief Keeps a snapshot_prefix for the trainings of one process.
 *
 * Two trainings that write the same names would overwrite each other's weights
 * under the other's solver state. The lock is the system's, on `PREFIX.lock`,
 * and ends with the process, however that ends; solvers of one process share
 * it.
 */
class SnapshotLock {
 public:
  /// Throws an InputError where another process holds it. Where the file system
  /// has no locks, warns and returns a lock that holds nothing.
  static boost::shared_ptr<SnapshotLock> Take(const std::string& prefix);
  ~SnapshotLock();
  SnapshotLock(const SnapshotLock&) = delete;
  SnapshotLock& operator=(const SnapshotLock&) = delete;

 private:
  explicit SnapshotLock(const std::string& path);

  const std::string path_;
  int descriptor_;
};

/// The solver state's name: itself, or, of a .caffemodel, the file beside it.
/// Throws an InputError where there is none.
std::string SolverStateOf(const std::string& file);

}  // namespace drdl

#endif  // DRDL_SNAPSHOT_LOCK_HPP_
