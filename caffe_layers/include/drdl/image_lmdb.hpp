#ifndef DRDL_IMAGE_LMDB_HPP_
#define DRDL_IMAGE_LMDB_HPP_

#include <lmdb.h>

#include <cstdint>
#include <functional>
#include <string>

namespace drdl {

/// What to tell someone whose LMDB and index cannot be used together.
extern const char kRebuild[];

/// Opens an LMDB for reading, without a lock where there can be none; dbi is
/// its unnamed database. @throws InputError: none there, cut off, not to be
/// opened.
MDB_env* OpenImageLmdb(const std::string& source, MDB_dbi* dbi);

/// Says that this thread reads an LMDB's map, until the end of the scope: a
/// damaged one ends in a signal (drdl/command_line.hpp).
class LmdbUse {
 public:
  explicit LmdbUse(const std::string& source);
  ~LmdbUse();
};

/// The LMDB that this thread reads, or NULL.
const char* LmdbInUse();

/**
 * @brief An LMDB of images as Caffe keeps it, read by record number.
 *
 * Keys are the record's number in eight digits, mostly followed by "_" and the
 * image's name. All reading may go on from any number of threads.
 */
class ImageLmdb {
 public:
  /// Views into the LMDB's map, good until the call returns.
  typedef std::function<void(const MDB_val& key, const MDB_val& value)> Use;

  /// @throws InputError if there is no LMDB or it cannot be opened.
  explicit ImageLmdb(const std::string& source);
  ~ImageLmdb();

  const std::string& source() const { return source_; }
  size_t entries() const;
  /// An upper bound of what all values take in memory.
  size_t bytes() const;

  /// @throws InputError if there is no such record.
  void Read(uint32_t record, const Use& use) const;
  /// All records in key order.
  void ForEach(const Use& use) const;

 private:
  ImageLmdb(const ImageLmdb&) = delete;
  ImageLmdb& operator=(const ImageLmdb&) = delete;

  const std::string source_;
  MDB_env* env_;
  MDB_dbi dbi_;
};

}  // namespace drdl

#endif  // DRDL_IMAGE_LMDB_HPP_
