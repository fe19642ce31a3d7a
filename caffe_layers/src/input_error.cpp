#include "drdl/input_error.hpp"

#include <glog/logging.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>

namespace drdl {

namespace {

std::terminate_handler earlier = nullptr;

[[noreturn]] void Tell() {
  try {
    if (std::current_exception()) throw;
  } catch (const InputError& error) {
    ExitWith(error);
  } catch (...) {
  }
  if (earlier) earlier();
  std::abort();
}

}  // namespace

InputError::InputError(const std::string& what, const std::string& where,
                       const std::string& next)
    : std::runtime_error(what + "\n  where: " + where + "\n  next: " + next) {
  // Once there is an error, not before: a program that uses the library, as
  // Python, keeps its own way to end until then.
  static std::once_flag first;
  std::call_once(first, [] { earlier = std::set_terminate(Tell); });
}

void ExitWith(const InputError& error) {
  // Every GPU's thread may meet the same error; it is told once.
  static std::mutex first;
  first.lock();
  std::cerr << "error: " << error.what() << std::endl;
  google::FlushLogFiles(google::GLOG_INFO);
  // exit() would destroy what the other threads still use.
  std::_Exit(1);
}

InputError AsInputError(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) ||
      dynamic_cast<const std::length_error*>(&error)) {
    return InputError("not enough memory", error.what(),
                      "take smaller batches, images or layers, or a machine "
                      "with more memory");
  }
  const std::string text = error.what();
  return InputError(text.substr(0, text.find('\n')),
                    "a library that Caffe uses", "mend what the message names");
}

}  // namespace drdl
