#ifndef DRDL_CHECKS_HPP_
#define DRDL_CHECKS_HPP_

/**
 * @file
 * @brief Makes a failed CHECK, and LOG(FATAL), throw an InputError.
 *
 * Caffe checks nets, data and options with glog's macros, which end the process
 * in a stack dump; in pycaffe they kill the interpreter. Nearly all of them
 * speak of something that the user gave. caffe/common.hpp includes this header
 * behind glog's, so that in all of Caffe and in our layers they end as an
 * InputError does: one message and exit code 1 from `caffe`, RuntimeError in
 * pycaffe.
 */

#include <glog/logging.h>

#include <sstream>
#include <string>
#include <utility>

#include "drdl/input_error.hpp"

namespace drdl {

/**
 * @brief What is worked on, for the `where` of a failed check in this thread.
 *
 * Places lie within each other, as a layer in a net, for as long as the objects
 * live; the strings must live as long.
 */
class Place {
 public:
  Place(const char* kind, const std::string& name, const std::string* type = 0);
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  /// The places of this thread, the innermost first: "layer fc8 (InnerProduct),
  /// net demo"; empty where there is none.
  static std::string All();
  /// What to do about a failed check, by the kind of the innermost place.
  static std::string Advice();

 private:
  const char* kind_;
  const std::string& name_;
  const std::string* type_;
  const Place* outer_;
};

/// Collects the message of one failed check and throws it when it is whole.
class FailedCheck {
 public:
  FailedCheck(const char* file, int line, const std::string& condition = "")
      : file_(file), line_(line), condition_(condition) {}
  FailedCheck(const char* file, int line, const google::CheckOpString& values)
      : FailedCheck(file, line, *values.str_) {
    delete values.str_;
  }
  [[noreturn]] ~FailedCheck() noexcept(false);

  std::ostream& stream() { return message_; }

 private:
  const char* file_;
  int line_;
  std::string condition_;
  std::ostringstream message_;
};

/// As glog's: the value itself, which is no null pointer.
template <typename T>
T&& CheckNotNull(const char* file, int line, const char* name, T&& value) {
  if (value == nullptr) FailedCheck(file, line, name);
  return std::forward<T>(value);
}

}  // namespace drdl

#undef COMPACT_GOOGLE_LOG_FATAL
#define COMPACT_GOOGLE_LOG_FATAL drdl::FailedCheck(__FILE__, __LINE__)

#undef CHECK
#define CHECK(condition)                             \
  static_cast<void>(0),                              \
      !GOOGLE_PREDICT_BRANCH_NOT_TAKEN(!(condition)) \
          ? static_cast<void>(0)                     \
          : google::LogMessageVoidify() &            \
                drdl::FailedCheck(__FILE__, __LINE__, #condition).stream()

#undef CHECK_OP
#define CHECK_OP(name, op, val1, val2) \
  CHECK_OP_LOG(name, op, val1, val2, drdl::FailedCheck)

#undef CHECK_NOTNULL
#define CHECK_NOTNULL(val) \
  drdl::CheckNotNull(__FILE__, __LINE__, #val " is not NULL", (val))

#endif  // DRDL_CHECKS_HPP_
