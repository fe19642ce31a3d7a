// Variables of the environment that last for a scope.
#ifndef CUDA_ON_CPU_ENVIRONMENT_HPP_
#define CUDA_ON_CPU_ENVIRONMENT_HPP_

#include <cstdlib>
#include <optional>
#include <string>

/// Sets a variable, or clears it with null; puts it back at the end.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    Set(value);
  }
  ~Environment() { Set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void Set(const char* value) {
    if (value) {
      setenv(name_, value, 1);
    } else {
      unsetenv(name_);
    }
  }
  const char* const name_;
  std::optional<std::string> before_;
};

#endif  // CUDA_ON_CPU_ENVIRONMENT_HPP_
