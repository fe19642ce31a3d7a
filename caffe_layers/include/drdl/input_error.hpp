#ifndef DRDL_INPUT_ERROR_HPP_
#define DRDL_INPUT_ERROR_HPP_

#include <stdexcept>
#include <string>

namespace drdl {

/**
 * @brief Something the user gave is wrong: a path, an index, an image.
 *
 * The `caffe` command prints the three lines and exits with 1; pycaffe raises
 * RuntimeError. A CHECK that fails becomes one (drdl/checks.hpp). One that
 * nobody catches, as in a destructor or a thread, is told as `caffe` does, with
 * exit code 1.
 */
class InputError : public std::runtime_error {
 public:
  /// what went wrong, where (file, record), and what to do next.
  InputError(const std::string& what, const std::string& where,
             const std::string& next);
};

/**
 * @brief Prints an error as the `caffe` command does and ends with 1, at once.
 *
 * For threads that cannot hand it on, because others wait for them, at a
 * barrier or on the GPU, and would wait for ever.
 */
[[noreturn]] void ExitWith(const InputError& error);

/// One line that can be shown: names come from files, and hold anything.
std::string Visible(const std::string& text);

/// What a library threw (no memory, OpenCV, protobuf), in the three parts.
InputError AsInputError(const std::exception& error);

}  // namespace drdl

#endif  // DRDL_INPUT_ERROR_HPP_
