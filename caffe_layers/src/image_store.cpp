#include "drdl/image_store.hpp"

#include <glog/logging.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <opencv2/imgcodecs/imgcodecs.hpp>
#include <sstream>
#include <thread>
#include <tuple>

#include "drdl/input_error.hpp"
#include "drdl/jpeg.hpp"
#include "drdl/pair_index.hpp"

namespace drdl {

using caffe::Datum;
using caffe::PairSetDataParameter;
using std::string;

namespace {

const char kMend[] =
    "mend or remove the source image, then build the LMDB again";

// Like map[name], but what nobody uses any more is made anew by `make`.
template <typename Name, typename T, typename Make>
std::shared_ptr<const T> Shared(std::map<Name, std::weak_ptr<const T> >* known,
                                const Name& name, const Make& make) {
  std::shared_ptr<const T> shared = (*known)[name].lock();
  if (!shared) (*known)[name] = shared = make();
  return shared;
}

size_t AvailableMemory() {
  std::ifstream meminfo("/proc/meminfo");
  string name;
  for (size_t kib; meminfo >> name >> kib; meminfo.ignore(256, '\n')) {
    if (name == "MemAvailable:") return kib * 1024;
  }
  return 0;
}

// Runs work(i) for 0 <= i < count on some threads; throws what one threw.
template <typename Work>
void ParallelFor(uint32_t count, int threads, const Work& work) {
  std::atomic<uint32_t> next(0);
  std::exception_ptr error;
  std::mutex mutex;
  auto run = [&]() {
    try {
      for (uint32_t i; (i = next++) < count;) work(i);
    } catch (...) {
      std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) pool.emplace_back(run);
  for (std::thread& thread : pool) thread.join();
  if (error) std::rethrow_exception(error);
}

// A JPEG that was cut off still decodes, to grey below the cut.
bool IsCutOffJpeg(const string& bytes) {
  return bytes.compare(0, 2, "\xFF\xD8") == 0 &&
         bytes.rfind("\xFF\xD9") == string::npos;
}

}  // namespace

std::shared_ptr<const ImageStore> ImageStore::Open(const string& source,
                                                   Cache cache, bool gray,
                                                   int threads) {
  typedef std::tuple<string, Cache, bool> Name;
  static std::mutex mutex;
  static std::map<string, std::weak_ptr<const ImageLmdb> > lmdbs;
  static std::map<Name, std::weak_ptr<const ImageStore> > stores;
  std::lock_guard<std::mutex> lock(mutex);
  // However the path is written, it is one environment.
  const string folder = std::filesystem::weakly_canonical(source).string();
  return Shared(&stores, Name(folder, cache, gray), [&] {
    std::shared_ptr<ImageStore> store(new ImageStore(
        Shared(&lmdbs, folder,
               [&] { return std::make_shared<const ImageLmdb>(source); }),
        gray));
    store->Fill(cache, threads);
    return store;
  });
}

ImageStore::ImageStore(std::shared_ptr<const ImageLmdb> lmdb, bool gray)
    : lmdb_(lmdb), gray_(gray), index_(LoadPairIndex(*lmdb)) {}

string ImageStore::Describe(uint32_t record) const {
  std::ostringstream text;
  lmdb_->Read(record, [&](const MDB_val& key, const MDB_val&) {
    text << "record " << record << " ("
         << string(static_cast<const char*>(key.mv_data), key.mv_size)
         << ") of vehicle " << VehicleOf(index_, record).vehicle_id() << " in "
         << lmdb_->source();
  });
  return text.str();
}

cv::Mat ImageStore::DecodeRaw(uint32_t record, const Datum& datum) const {
  const string& bytes = datum.data();
  const int channels = datum.channels();
  const size_t plane = static_cast<size_t>(datum.height()) * datum.width();
  if (channels < 1 || channels > 4 || plane == 0 ||
      bytes.size() != channels * plane) {
    throw InputError("a raw image has not the size that it states",
                     Describe(record), kRebuild);
  }
  std::vector<cv::Mat> planes;
  for (int c = 0; c < channels; ++c) {
    planes.push_back(cv::Mat(datum.height(), datum.width(), CV_8UC1,
                             const_cast<char*>(bytes.data()) + c * plane));
  }
  cv::Mat image;
  cv::merge(planes, image);
  return image;
}

cv::Mat ImageStore::Decode(uint32_t record, const Datum& datum) const {
  if (!datum.encoded()) return DecodeRaw(record, datum);
  const string& bytes = datum.data();
  if (IsCutOffJpeg(bytes)) {
    throw InputError("an image is cut off", Describe(record), kMend);
  }
  cv::Mat image;
  if (!bytes.empty() && (gray_ || !DecodeJpeg(bytes, &image))) {
    const cv::Mat view(1, static_cast<int>(bytes.size()), CV_8UC1,
                       const_cast<char*>(bytes.data()));
    image = cv::imdecode(view, gray_ ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
  }
  if (image.empty()) {
    throw InputError("an image does not decode", Describe(record), kMend);
  }
  return image;
}

cv::Mat ImageStore::Image(uint32_t record) const {
  if (!decoded_.empty()) return decoded_[record];
  Datum datum;
  bool parsed = false;
  if (!encoded_.empty()) {
    parsed = datum.ParseFromString(encoded_[record]);
  } else {
    lmdb_->Read(record, [&](const MDB_val&, const MDB_val& value) {
      parsed = datum.ParseFromArray(value.mv_data, value.mv_size);
    });
  }
  if (!parsed) {
    throw InputError("a record is no Caffe Datum", Describe(record), kRebuild);
  }
  return Decode(record, datum);
}

size_t ImageStore::CacheBytes(Cache cache) const {
  if (cache == PairSetDataParameter::ENCODED) return lmdb_->bytes();
  const cv::Mat image = Image(0);
  return index_.num_images() * image.total() * image.elemSize();
}

void ImageStore::Fill(Cache cache, int threads) {
  if (cache == PairSetDataParameter::NONE) return;
  const size_t bytes = CacheBytes(cache), available = AvailableMemory();
  if (bytes > available) {
    std::ostringstream what;
    what << "the " << PairSetDataParameter::Cache_Name(cache)
         << " cache does not fit: it takes " << (bytes >> 20)
         << " MiB, free are " << (available >> 20) << " MiB";
    throw InputError(what.str(), lmdb_->source(),
                     "set `cache` to ENCODED or NONE, or build the LMDB with "
                     "smaller images");
  }
  const uint32_t images = index_.num_images();
  if (cache == PairSetDataParameter::DECODED) {
    std::vector<cv::Mat> decoded(images);
    ParallelFor(images, threads, [&](uint32_t i) { decoded[i] = Image(i); });
    decoded_.swap(decoded);
  } else {
    std::vector<string> encoded(images);
    ParallelFor(images, threads, [&](uint32_t i) {
      lmdb_->Read(i, [&](const MDB_val&, const MDB_val& value) {
        encoded[i].assign(static_cast<char*>(value.mv_data), value.mv_size);
      });
    });
    encoded_.swap(encoded);
  }
  LOG(INFO) << "cached " << images << " images of " << lmdb_->source()
            << ", about " << (bytes >> 20) << " MiB";
}

}  // namespace drdl
