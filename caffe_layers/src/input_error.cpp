#include "drdl/input_error.hpp"

#include <glog/logging.h>

#include <cstdint>
#include <cstdio>
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

/// The code point at i and its bytes; 0 bytes where they are no UTF-8.
uint32_t CodePoint(const std::string& text, size_t i, size_t* bytes) {
  const unsigned char first = text[i];
  *bytes = first < 0x80   ? 1
           : first < 0xC2 ? 0
           : first < 0xE0 ? 2
           : first < 0xF0 ? 3
           : first < 0xF5 ? 4
                          : 0;
  if (*bytes == 1) return first;
  uint32_t point = *bytes ? first & (0x7F >> *bytes) : 0;
  for (size_t k = 1; k < *bytes; ++k) {
    const unsigned char next = i + k < text.size() ? text[i + k] : 0;
    if ((next & 0xC0) != 0x80) *bytes = 0;
    point = point << 6 | (next & 0x3F);
  }
  const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < least[*bytes] || point > 0x10FFFF ||
      (point >= 0xD800 && point < 0xE000)) {
    *bytes = 0;
  }
  return point;
}

/// Whether a terminal takes it for a command, or turns the text around.
bool IsControl(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) ||
         (point >= 0x200B && point <= 0x200F) ||
         (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2060 && point <= 0x2069) || point == 0xFEFF;
}

}  // namespace

std::string Visible(const std::string& text) {
  const size_t kMost = 2000;
  std::string shown;
  for (size_t i = 0; i < text.size();) {
    if (shown.size() > kMost) return shown + " ...";
    size_t bytes;
    const uint32_t point = CodePoint(text, i, &bytes);
    char escaped[16] = "";
    if (bytes == 0) {
      bytes = 1;
      snprintf(escaped, sizeof(escaped), "\\x%02x",
               static_cast<unsigned char>(text[i]));
    } else if (point == '\n') {
      snprintf(escaped, sizeof(escaped), " ");
    } else if (IsControl(point)) {
      snprintf(escaped, sizeof(escaped), point < 0x100 ? "\\x%02x" : "\\u%04x",
               point);
    }
    shown += *escaped ? std::string(escaped) : text.substr(i, bytes);
    i += bytes;
  }
  return shown;
}

InputError::InputError(const std::string& what, const std::string& where,
                       const std::string& next)
    : std::runtime_error(Visible(what) + "\n  where: " + Visible(where) +
                         "\n  next: " + Visible(next)) {
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
