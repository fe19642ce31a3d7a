#include "drdl/input_error.hpp"

#include <glog/logging.h>

#include <cstdlib>
#include <iostream>
#include <mutex>

namespace drdl {

void ExitWith(const InputError& error) {
  // Every GPU's thread may meet the same error; it is told once.
  static std::mutex first;
  first.lock();
  std::cerr << "error: " << error.what() << std::endl;
  google::FlushLogFiles(google::GLOG_INFO);
  // exit() would destroy what the other threads still use.
  std::_Exit(1);
}

}  // namespace drdl
