#ifndef DRDL_WHOLE_FILE_HPP_
#define DRDL_WHOLE_FILE_HPP_

#include <cstdint>
#include <string>

namespace drdl {

/**
 * @brief A file that appears under its name, or replaces another, when whole.
 *
 * It is written beside as `.NAME.PROCESS.part`, flushed, synced to the disk,
 * closed, and renamed; each step is checked, and what fails leaves the earlier
 * file as it was and throws an InputError with the reason. A pipe or a device
 * is written as it is.
 */
class WholeFile {
 public:
  /// Opens the part.
  explicit WholeFile(const std::string& path);
  /// Deletes the part, unless Commit came to its end.
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  /// For writing and reading; a device's for writing only.
  int descriptor() const { return descriptor_; }
  bool is_device() const { return part_.empty(); }
  void Write(const void* data, size_t size);
  /// Writes over what stands at the offset.
  void WriteAt(const void* data, size_t size, int64_t offset);
  /// Gives the file its name.
  void Commit();
  /// Says why writing failed, by errno.
  [[noreturn]] void Fail() const;

 private:
  const std::string path_;
  std::string target_;  // what path leads to, where it is a link
  std::string part_;
  int descriptor_;
};

/**
 * @brief How long a file is and its CRC-32, written into its head.
 *
 * A file that is cut off, or has a byte changed, is told from a whole one. The
 * head is a field of the message that other programs skip as unknown (proto) or
 * a user block that every reader of HDF5 skips.
 */
class Seal {
 public:
  enum Form { PROTO, HDF5 };

  /// The head's size; what it seals begins behind it.
  static size_t Size(Form form);
  /// Computes it over what is written and puts it into the head.
  static void Write(Form form, WholeFile* file);
  /// Throws an InputError if the file has a seal and does not agree with it.
  /// Returns the CRC-32 of the whole content: the sealed one, or, where there
  /// is no seal, what is computed.
  static uint32_t Check(const std::string& path);
};

/**
 * @brief Throws an InputError if path cannot be read, is a folder, or holds
 * nothing. `what` names the kind of file: "weights".
 *
 * Weights and states must be regular files: reading looks at them twice.
 */
void CheckReadable(const std::string& path, const std::string& what,
                   bool regular);

/// Whether the file is HDF5, by its first bytes, with a user block or not.
bool IsHdf5(const std::string& path);

}  // namespace drdl

#endif  // DRDL_WHOLE_FILE_HPP_
