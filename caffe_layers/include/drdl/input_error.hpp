#ifndef DRDL_INPUT_ERROR_HPP_
#define DRDL_INPUT_ERROR_HPP_

#include <stdexcept>
#include <string>

namespace drdl {

/**
 * @brief Something the user gave is wrong: a path, an index, an image.
 *
 * The `caffe` command prints the three lines and exits with 1; pycaffe raises
 * RuntimeError. CHECK stays for mistakes in nets and in code.
 */
class InputError : public std::runtime_error {
 public:
  /// what went wrong, where (file, record), and what to do next.
  InputError(const std::string& what, const std::string& where,
             const std::string& next)
      : std::runtime_error(what + "\n  where: " + where + "\n  next: " + next) {
  }
};

}  // namespace drdl

#endif  // DRDL_INPUT_ERROR_HPP_
