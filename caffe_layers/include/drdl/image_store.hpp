#ifndef DRDL_IMAGE_STORE_HPP_
#define DRDL_IMAGE_STORE_HPP_

#include <cstdint>
#include <functional>
#include <memory>
#include <opencv2/core/core.hpp>
#include <string>
#include <vector>

#include "caffe/proto/caffe.pb.h"
#include "drdl/image_lmdb.hpp"

namespace drdl {

/**
 * @brief The images of an LMDB, decoded, with what the cache option keeps in
 *        memory.
 *
 * Image may be called from any number of threads. Nothing here touches
 * caffe::Caffe::Get(), whose state belongs to a thread and owns GPU handles.
 */
class ImageStore {
 public:
  typedef caffe::PairSetDataParameter::Cache Cache;

  /// A store is shared by all layers of this process that ask for the same
  /// folder and options: LMDB allows one environment a process.
  /// @throws InputError for a missing, foreign or damaged LMDB or index, and
  ///         for a cache that does not fit into memory.
  static std::shared_ptr<const ImageStore> Open(const std::string& source,
                                                Cache cache, bool gray,
                                                int threads);

  const caffe::PairIndex& index() const { return index_; }

  /// Image `record`, H x W x C of 8 bits, BGR.
  /// @throws InputError naming the record and its vehicle if it is damaged.
  cv::Mat Image(uint32_t record) const;

  /// "record 12 (00000012_a.jpg) of vehicle 7 in FOLDER", for messages.
  std::string Describe(uint32_t record) const;

 private:
  ImageStore(std::shared_ptr<const ImageLmdb> lmdb, bool gray);
  void Fill(Cache cache, int threads);
  size_t CacheBytes(Cache cache) const;
  cv::Mat Decode(uint32_t record, const caffe::Datum& datum) const;
  cv::Mat DecodeRaw(uint32_t record, const caffe::Datum& datum) const;

  const std::shared_ptr<const ImageLmdb> lmdb_;
  const bool gray_;
  const caffe::PairIndex index_;
  // One entry a record where that cache is on, else empty.
  std::vector<std::string> encoded_;
  std::vector<cv::Mat> decoded_;
};

}  // namespace drdl

#endif  // DRDL_IMAGE_STORE_HPP_
