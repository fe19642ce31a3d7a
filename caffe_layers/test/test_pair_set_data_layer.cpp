#include <zlib.h>

#include <boost/filesystem.hpp>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <opencv2/core/core.hpp>
#include <opencv2/imgcodecs/imgcodecs.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layers/pair_set_data_layer.hpp"
#include "caffe/test/test_caffe_main.hpp"
#include "caffe/util/db.hpp"
#include "caffe/util/format.hpp"
#include "caffe/util/io.hpp"
#include "drdl/input_error.hpp"
#include "gtest/gtest.h"
#if __has_include("cuda_on_cpu/testing.hpp")
#include "cuda_on_cpu/testing.hpp"
#endif

namespace caffe {

namespace {

const int kVehicles = 14, kHeight = 6, kWidth = 9;
const int kSets = 3, kPositives = 3, kNegatives = 4;

int Images(int vehicle) { return 1 + vehicle % 5; }
int VehicleId(int vehicle) { return 7000000 + 3 * vehicle; }
int ModelId(int vehicle) { return vehicle % 4 - 1; }

// Every row has pixels of its own; blue is the vehicle, green the image.
cv::Mat Picture(int vehicle, int image) {
  cv::Mat picture(kHeight, kWidth, CV_8UC3);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      picture.at<cv::Vec3b>(y, x) =
          cv::Vec3b(vehicle, image, (vehicle * 31 + image * 7 + y * 9 + x));
    }
  }
  return picture;
}

std::string Record(int vehicle, int image, bool jpeg) {
  const cv::Mat picture = Picture(vehicle, image);
  Datum datum;
  datum.set_channels(3);
  datum.set_height(kHeight);
  datum.set_width(kWidth);
  if (jpeg) {
    std::vector<uchar> bytes;
    cv::imencode(".jpg", picture, bytes);
    datum.set_data(bytes.data(), bytes.size());
    datum.set_encoded(true);
  } else {
    for (int c = 0; c < 3; ++c) {
      for (size_t i = 0; i < picture.total(); ++i) {
        datum.mutable_data()->push_back(picture.data[3 * i + c]);
      }
    }
  }
  return datum.SerializeAsString();
}

uint32_t Crc(uint32_t crc, const std::string& bytes) {
  return crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
}

/// An image LMDB with its pair index, raw or JPEG or one image of each kind in
/// turn; at most 64 records.
class TestLmdb {
 public:
  enum Kind { RAW, JPEG, BOTH };

  // Record `broken` holds a JPEG that does not decode.
  explicit TestLmdb(Kind kind, int broken = -1) {
    MakeTempDir(&folder_);
    const std::unique_ptr<db::DB> lmdb(db::GetDB("lmdb"));
    lmdb->Open(source(), db::NEW);
    const std::unique_ptr<db::Transaction> transaction(lmdb->NewTransaction());
    PairIndex index;
    uint32_t record = 0, keys = 0, values = 0;
    for (int vehicle = 0; vehicle < kVehicles; ++vehicle) {
      PairIndex::Vehicle* added = index.add_vehicle();
      added->set_vehicle_id(VehicleId(vehicle));
      added->set_model_id(ModelId(vehicle));
      added->set_first(record);
      added->set_count(Images(vehicle));
      for (int image = 0; image < Images(vehicle); ++image, ++record) {
        const std::string key =
            format_int(record, 8) + "_" + std::to_string(vehicle) + ".jpg";
        std::string value =
            Record(vehicle, image, kind == BOTH ? record % 2 : kind == JPEG);
        if (static_cast<int>(record) == broken) {
          Datum datum;
          datum.set_data("\xFF\xD8 no image \xFF\xD9");
          datum.set_encoded(true);
          value = datum.SerializeAsString();
        }
        transaction->Put(key, value);
        keys = Crc(keys, key);
        std::string size;
        for (int i = 0; i < 4; ++i) size.push_back(value.size() >> 8 * i);
        keys = Crc(keys, size);
        values = Crc(values, value);
      }
    }
    transaction->Commit();
    CHECK_LE(record, 64);
    index.set_version(1);
    index.set_num_images(record);
    index.set_num_models(3);
    index.set_keys_crc32(keys);
    index.set_sample_crc32(values);
    WriteProtoToBinaryFile(index, source() + "/pair_index.binaryproto");
  }
  ~TestLmdb() { boost::filesystem::remove_all(folder_); }

  std::string source() const { return folder_ + "/lmdb"; }

 private:
  std::string folder_;
};

}  // namespace

template <typename TypeParam>
class PairSetDataLayerTest : public MultiDeviceTest<TypeParam> {
 protected:
  using Dtype = typename TypeParam::Dtype;

  struct Batch {
    std::vector<Dtype> data, vehicle_ids, model_ids;
    bool operator==(const Batch& other) const {
      return data == other.data && vehicle_ids == other.vehicle_ids &&
             model_ids == other.model_ids;
    }
    bool operator!=(const Batch& other) const { return !(*this == other); }
    bool operator<(const Batch& other) const {
      return vehicle_ids != other.vehicle_ids ? vehicle_ids < other.vehicle_ids
                                              : data < other.data;
    }
  };

  /// A layer with its tops.
  class Source {
   public:
    explicit Source(const LayerParameter& param)
        : layer_(param), top_({&data_, &vehicle_ids_, &model_ids_}) {
      layer_.SetUp(bottom_, top_);
    }
    Batch Next() {
      layer_.Forward(bottom_, top_);
      return Batch{Values(data_), Values(vehicle_ids_), Values(model_ids_)};
    }
    std::vector<Batch> Next(int count) {
      std::vector<Batch> batches;
      for (int i = 0; i < count; ++i) batches.push_back(Next());
      return batches;
    }
    Dtype position() { return layer_.blobs()[0]->cpu_data()[0]; }
    void set_position(Dtype position) {
      layer_.blobs()[0]->mutable_cpu_data()[0] = position;
    }
    PairSetDataLayer<Dtype>& layer() { return layer_; }
    const Blob<Dtype>& data() const { return data_; }

   private:
    static std::vector<Dtype> Values(const Blob<Dtype>& blob) {
      return std::vector<Dtype>(blob.cpu_data(),
                                blob.cpu_data() + blob.count());
    }
    PairSetDataLayer<Dtype> layer_;
    Blob<Dtype> data_, vehicle_ids_, model_ids_;
    std::vector<Blob<Dtype>*> bottom_, top_;
  };

  static LayerParameter Param(const TestLmdb& lmdb, Phase phase = TRAIN) {
    LayerParameter param;
    param.set_name("pair_sets");
    param.set_phase(phase);
    param.add_param()->set_lr_mult(0);
    TransformationParameter* transform = param.mutable_transform_param();
    transform->set_crop_size(4);
    transform->set_mirror(true);
    transform->add_mean_value(10);
    transform->set_scale(.5);
    PairSetDataParameter* data = param.mutable_pair_set_data_param();
    data->set_source(lmdb.source());
    data->set_sets(kSets);
    data->set_positives(kPositives);
    data->set_negatives(kNegatives);
    data->set_seed(3);
    data->set_threads(2);
    return param;
  }

  virtual void TearDown() {
    Caffe::set_solver_count(1);
    Caffe::set_solver_rank(0);
  }
};

TYPED_TEST_SUITE(PairSetDataLayerTest, TestDtypesAndDevices);

TYPED_TEST(PairSetDataLayerTest, TestPixelsAndLabels) {
  using Dtype = typename TypeParam::Dtype;
  const TestLmdb lmdb(TestLmdb::RAW);
  LayerParameter param = this->Param(lmdb);
  param.clear_transform_param();
  typename TestFixture::Source source(param);
  const int images = kSets * (kPositives + kNegatives);
  EXPECT_EQ(source.data().shape(),
            std::vector<int>({images, 3, kHeight, kWidth}));
  std::map<int, std::set<int> > seen;
  for (int step = 0; step < 40; ++step) {
    const auto batch = source.Next();
    ASSERT_EQ(batch.vehicle_ids.size(), images);
    for (int i = 0; i < images; ++i) {
      const Dtype* pixels = &batch.data[i * 3 * kHeight * kWidth];
      const int vehicle = pixels[0], image = pixels[kHeight * kWidth];
      ASSERT_LT(vehicle, kVehicles);
      ASSERT_LT(image, Images(vehicle));
      EXPECT_EQ(batch.vehicle_ids[i], VehicleId(vehicle));
      EXPECT_EQ(batch.model_ids[i], ModelId(vehicle));
      const cv::Mat picture = Picture(vehicle, image);
      for (int j = 0; j < 3 * kHeight * kWidth; ++j) {
        const int channel = j / (kHeight * kWidth), at = j % (kHeight * kWidth);
        ASSERT_EQ(pixels[j], picture.data[3 * at + channel]);
      }
      seen[vehicle].insert(image);
    }
  }
  for (int v = 0; v < kVehicles; ++v) EXPECT_EQ(seen[v].size(), Images(v));
}

TYPED_TEST(PairSetDataLayerTest, TestFewerTops) {
  using Dtype = typename TypeParam::Dtype;
  const TestLmdb lmdb(TestLmdb::RAW);
  typename TestFixture::Source expected(this->Param(lmdb));
  PairSetDataLayer<Dtype> layer(this->Param(lmdb));
  Blob<Dtype> data;
  const std::vector<Blob<Dtype>*> bottom, top(1, &data);
  layer.SetUp(bottom, top);
  layer.Forward(bottom, top);
  EXPECT_EQ(std::vector<Dtype>(data.cpu_data(), data.cpu_data() + data.count()),
            expected.Next().data);
}

TYPED_TEST(PairSetDataLayerTest, TestThePositionDecides) {
  const TestLmdb lmdb(TestLmdb::RAW);
  typename TestFixture::Source straight(this->Param(lmdb));
  EXPECT_EQ(straight.position(), 0);
  std::vector<typename TestFixture::Batch> batches;
  for (int step = 0; step < 12; ++step) {
    batches.push_back(straight.Next());
    EXPECT_EQ(straight.position(), step + 1);
  }
  EXPECT_EQ(
      std::set<typename TestFixture::Batch>(batches.begin(), batches.end())
          .size(),
      12);
  // A snapshot is copied into the blob after prefetching began.
  for (int start : {1, 5, 9}) {
    typename TestFixture::Source resumed(this->Param(lmdb));
    resumed.set_position(start);
    for (int step = start; step < 12; ++step) {
      EXPECT_EQ(resumed.Next(), batches[step]) << "step " << step;
    }
  }
  straight.set_position(4);
  EXPECT_EQ(straight.Next(), batches[4]);
}

// The blob counts iterations: a solver must not scale, decay or learn it.
TYPED_TEST(PairSetDataLayerTest, TestThePositionIsNotLearned) {
  const TestLmdb lmdb(TestLmdb::RAW);
  LayerParameter param = this->Param(lmdb);
  for (bool given : {true, false}) {
    if (given) {
      param.mutable_param(0)->set_lr_mult(1);
    } else {
      param.clear_param();
    }
    typename TestFixture::Source source(param);
    ASSERT_EQ(source.layer().blobs().size(), 1);
    ASSERT_EQ(source.layer().layer_param().param_size(), 1);
    EXPECT_EQ(source.layer().layer_param().param(0).lr_mult(), 0);
    EXPECT_EQ(source.layer().layer_param().param(0).decay_mult(), 0);
  }
}

TYPED_TEST(PairSetDataLayerTest, TestTheSeedDecides) {
  const TestLmdb lmdb(TestLmdb::RAW);
  LayerParameter param = this->Param(lmdb);
  Caffe::set_random_seed(1);
  const auto first = typename TestFixture::Source(param).Next();
  Caffe::set_random_seed(2);  // Caffe's own generator has no part in it
  EXPECT_EQ(typename TestFixture::Source(param).Next(), first);
  param.mutable_pair_set_data_param()->set_seed(4);
  EXPECT_NE(typename TestFixture::Source(param).Next(), first);
}

// R ranks together see what one sees, each batch once.
TYPED_TEST(PairSetDataLayerTest, TestRanksShareTheStream) {
  const TestLmdb lmdb(TestLmdb::RAW);
  const auto stream = typename TestFixture::Source(this->Param(lmdb)).Next(12);
  for (int ranks : {1, 2, 4}) {
    Caffe::set_solver_count(ranks);
    for (int rank = 0; rank < ranks; ++rank) {
      Caffe::set_solver_rank(rank);
      typename TestFixture::Source source(this->Param(lmdb));
      for (int step = 0; step < 12 / ranks; ++step) {
        EXPECT_EQ(source.Next(), stream[step * ranks + rank]);
        EXPECT_EQ(source.position(), step + 1);
      }
    }
  }
}

// Solvers train side by side, each with a layer; test nets have one too.
TYPED_TEST(PairSetDataLayerTest, TestSolversShareTheProcessors) {
  const auto threads = [] {
    using boost::filesystem::directory_iterator;
    return std::distance(directory_iterator("/proc/self/task"),
                         directory_iterator());
  };
  const TestLmdb lmdb(TestLmdb::RAW);
  const int processors = std::max(1u, std::thread::hardware_concurrency());
  for (Phase phase : {TRAIN, TEST}) {
    for (int solvers : {1, 2, 1000}) {
      Caffe::set_solver_count(solvers);
      LayerParameter param = this->Param(lmdb, phase);
      const auto before = threads();
      param.mutable_pair_set_data_param()->set_threads(0);
      const typename TestFixture::Source shared(param);
      EXPECT_EQ(threads() - before, std::max(1, processors / solvers));
      param.mutable_pair_set_data_param()->set_threads(3);
      const auto with_one = threads();
      const typename TestFixture::Source given(param);
      EXPECT_EQ(threads() - with_one, 3);
    }
  }
}

TYPED_TEST(PairSetDataLayerTest, TestTestBatchesRepeatOnEveryRank) {
  const TestLmdb lmdb(TestLmdb::RAW);
  LayerParameter param = this->Param(lmdb, TEST);
  param.mutable_pair_set_data_param()->set_test_batches(3);
  const auto list = typename TestFixture::Source(param).Next(3);
  EXPECT_NE(list[0], list[1]);
  EXPECT_NE(list[0], list[2]);
  Caffe::set_solver_count(2);
  for (int rank = 0; rank < 2; ++rank) {
    Caffe::set_solver_rank(rank);
    typename TestFixture::Source source(param);
    for (int step = 0; step < 8; ++step) {
      EXPECT_EQ(source.Next(), list[step % 3]) << "step " << step;
    }
    EXPECT_EQ(source.position(), 0) << "a test net may share the train net's";
  }
}

// By default the list is one pass over the vehicles: 14 of them, 3 a batch.
TYPED_TEST(PairSetDataLayerTest, TestTestBatchesCoverTheVehicles) {
  const TestLmdb lmdb(TestLmdb::RAW);
  typename TestFixture::Source source(this->Param(lmdb, TEST));
  const auto list = source.Next(10);
  std::set<int> positives;
  for (int step = 0; step < 5; ++step) {
    for (int set = 0; set < kSets; ++set) {
      positives.insert(list[step].vehicle_ids[set * (kPositives + kNegatives)]);
    }
    EXPECT_EQ(list[step], list[5 + step]);
  }
  EXPECT_EQ(positives.size(), kVehicles);
}

TYPED_TEST(PairSetDataLayerTest, TestAnyThreadsPrefetchAndCacheGiveTheSame) {
  for (TestLmdb::Kind kind : {TestLmdb::RAW, TestLmdb::JPEG, TestLmdb::BOTH}) {
    const TestLmdb lmdb(kind);
    LayerParameter param = this->Param(lmdb);
    PairSetDataParameter* data = param.mutable_pair_set_data_param();
    data->set_threads(1);
    const auto expected = typename TestFixture::Source(param).Next(10);
    for (int threads : {1, 2, 8}) {
      for (int prefetch : {1, 4}) {
        for (auto cache :
             {PairSetDataParameter::NONE, PairSetDataParameter::ENCODED,
              PairSetDataParameter::DECODED}) {
          data->set_threads(threads);
          data->set_prefetch(prefetch);
          data->set_cache(cache);
          EXPECT_EQ(typename TestFixture::Source(param).Next(10), expected)
              << threads << " threads, prefetch " << prefetch << ", cache "
              << PairSetDataParameter::Cache_Name(cache);
        }
      }
    }
  }
}

#ifndef CPU_ONLY
// On the GPU a batch is transformed there: the same bits.
TYPED_TEST(PairSetDataLayerTest, TestBothModesGiveTheSame) {
  const TestLmdb lmdb(TestLmdb::JPEG);
  LayerParameter param = this->Param(lmdb);
  TransformationParameter* transform = param.mutable_transform_param();
  transform->set_scale(.3);
  for (const char* mean : {"no", "one", "three", "image"}) {
    transform->clear_mean_value();
    const std::string kind = mean;
    if (kind == "one") transform->add_mean_value(10.1);
    for (float value : {104.3f, 117.7f, 123.1f}) {
      if (kind == "three") transform->add_mean_value(value);
    }
    if (kind == "image") {
      BlobProto image;
      for (int size : {1, 3, kHeight, kWidth}) {
        image.mutable_shape()->add_dim(size);
      }
      for (int i = 0; i < 3 * kHeight * kWidth; ++i) image.add_data(i / 7.f);
      MakeTempFilename(transform->mutable_mean_file());
      WriteProtoToBinaryFile(image, transform->mean_file());
    }
    for (bool gray : {false, true}) {
      if (gray && (kind == "three" || kind == "image")) continue;
      transform->set_force_gray(gray);
      Caffe::set_mode(Caffe::CPU);
      const auto should = typename TestFixture::Source(param).Next(4);
      Caffe::set_mode(Caffe::GPU);
      EXPECT_EQ(typename TestFixture::Source(param).Next(4), should)
          << mean << ", gray: " << gray;
    }
  }
}

// Kernels of the net may still read a batch when its buffer is given back.
TYPED_TEST(PairSetDataLayerTest, TestABatchStaysWhileKernelsReadIt) {
  using Dtype = typename TypeParam::Dtype;
  if (Caffe::mode() == Caffe::CPU) return;
  const TestLmdb lmdb(TestLmdb::RAW);
  const int steps = 8;
  const auto should =
      typename TestFixture::Source(this->Param(lmdb)).Next(steps);
  PairSetDataLayer<Dtype> layer(this->Param(lmdb));
  Blob<Dtype> data;
  const std::vector<Blob<Dtype>*> bottom, top(1, &data);
  layer.SetUp(bottom, top);
  Blob<Dtype> kept(steps, data.count(), 1, 1);
  Dtype* to = kept.mutable_gpu_data();
  for (int step = 0; step < steps; ++step) {
    layer.Forward(bottom, top);
    CUDA_CHECK(cudaMemcpyAsync(to + step * data.count(), data.gpu_data(),
                               data.count() * sizeof(Dtype),
                               cudaMemcpyDeviceToDevice, cudaStreamDefault));
  }
  for (int step = 0; step < steps; ++step) {
    const Dtype* values = kept.cpu_data() + step * data.count();
    EXPECT_EQ(std::vector<Dtype>(values, values + data.count()),
              should[step].data)
        << step;
  }
}
#endif

#if __has_include("cuda_on_cpu/testing.hpp")
// A byte a value goes to the device, and the net's thread waits for nothing.
TYPED_TEST(PairSetDataLayerTest, TestCopiesToTheGpu) {
  using Dtype = typename TypeParam::Dtype;
  if (Caffe::mode() == Caffe::CPU) return;
  const TestLmdb lmdb(TestLmdb::RAW);
  PairSetDataLayer<Dtype> layer(this->Param(lmdb));
  Blob<Dtype> data, vehicle_ids, model_ids;
  const std::vector<Blob<Dtype>*> bottom, top{&data, &vehicle_ids, &model_ids};
  layer.SetUp(bottom, top);
  layer.Forward(bottom, top);
  const long bytes = cuda_on_cpu::BytesToDevice();
  const long waits = cuda_on_cpu::HostWaits();
  const int steps = 20, images = data.num();
  for (int step = 0; step < steps; ++step) layer.Forward(bottom, top);
  EXPECT_EQ(cuda_on_cpu::HostWaits(), waits);
  const long each = data.count() + images * (12 + 2 * sizeof(Dtype));
  const long ahead = 3;  // made ready meanwhile, before or after
  EXPECT_GE(cuda_on_cpu::BytesToDevice() - bytes, (steps - ahead) * each);
  EXPECT_LE(cuda_on_cpu::BytesToDevice() - bytes, (steps + ahead) * each);
}
#endif

// JPEG records are what OpenCV decodes.
TYPED_TEST(PairSetDataLayerTest, TestGrayAndJpeg) {
  const TestLmdb lmdb(TestLmdb::JPEG);
  LayerParameter param = this->Param(lmdb);
  param.clear_transform_param();
  // Layers on one LMDB share what they can; this one's colours stay its own.
  typename TestFixture::Source coloured(param);
  for (bool gray : {false, true}) {
    param.mutable_transform_param()->set_force_gray(gray);
    typename TestFixture::Source source(param);
    EXPECT_EQ(source.data().shape(1), gray ? 1 : 3);
    const auto batch = source.Next();
    for (int i = 0; i < source.data().num(); ++i) {
      const int vehicle = (batch.vehicle_ids[i] - VehicleId(0)) / 3;
      bool found = false;
      for (int image = 0; image < Images(vehicle); ++image) {
        Datum datum;
        datum.ParseFromString(Record(vehicle, image, true));
        const std::vector<uchar> bytes(datum.data().begin(),
                                       datum.data().end());
        const cv::Mat decoded =
            cv::imdecode(bytes, gray ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
        bool same = true;
        const int channels = decoded.channels(), plane = kHeight * kWidth;
        for (int j = 0; j < channels * plane; ++j) {
          same &= batch.data[i * channels * plane + j] ==
                  decoded.data[j % plane * channels + j / plane];
        }
        found |= same;
      }
      EXPECT_TRUE(found) << "image " << i;
    }
  }
}

// 18 records come before vehicle 7.
TYPED_TEST(PairSetDataLayerTest, TestABrokenImageIsNeverPassedOver) {
  const TestLmdb lmdb(TestLmdb::JPEG, 18);
  std::vector<std::string> errors;
  std::vector<float> positions;
  for (int threads : {1, 2, 8}) {
    LayerParameter param = this->Param(lmdb);
    param.mutable_pair_set_data_param()->set_threads(threads);
    typename TestFixture::Source source(param);
    for (int attempt = 0; attempt < 2; ++attempt) {
      try {
        source.Next(200);
      } catch (const drdl::InputError& error) {
        errors.push_back(error.what());
        positions.push_back(source.position());
      }
    }
  }
  ASSERT_EQ(errors.size(), 6) << "no attempt gets past it";
  EXPECT_EQ(errors[0].find("an image does not decode\n  where: record 18 "
                           "(00000018_7.jpg) of vehicle 7000021 in " +
                           lmdb.source()),
            0)
      << errors[0];
  for (const std::string& error : errors) EXPECT_EQ(error, errors[0]);
  for (float position : positions) EXPECT_EQ(position, positions[0]);
  EXPECT_LT(positions[0], 200);

  LayerParameter param = this->Param(lmdb);
  param.mutable_pair_set_data_param()->set_cache(PairSetDataParameter::DECODED);
  EXPECT_THROW(typename TestFixture::Source source(param), drdl::InputError)
      << "the cache has seen it at once";
}

// A damaged snapshot may hold any; no cast may see it before it is refused.
TYPED_TEST(PairSetDataLayerTest, TestAPositionThatIsNone) {
  using Dtype = typename TypeParam::Dtype;
  const TestLmdb lmdb(TestLmdb::RAW);
  typename TestFixture::Source source(this->Param(lmdb));
  for (Dtype position :
       {Dtype(-1), Dtype(1 << 24), std::numeric_limits<Dtype>::infinity(),
        std::numeric_limits<Dtype>::quiet_NaN()}) {
    source.set_position(position);
    EXPECT_THROW(source.Next(), drdl::InputError) << position;
  }
  source.set_position((1 << 24) - 1);
  source.Next();
}

}  // namespace caffe
