#include "drdl/pair_index.hpp"

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "drdl/input_error.hpp"

namespace drdl {

using caffe::PairIndex;

namespace {

// A float holds every whole number up to here; the tops are floats.
const uint32_t kMaxVehicleId = 1u << 24;

uint32_t Crc(uint32_t crc, const void* data, size_t size) {
  return crc32(crc, static_cast<const Bytef*>(data), size);
}

// What is wrong with a vehicle's entry; empty if nothing.
std::string Fault(const PairIndex& index, const PairIndex::Vehicle& vehicle,
                  uint32_t expected_first) {
  std::ostringstream fault;
  if (vehicle.first() != expected_first || vehicle.count() == 0) {
    fault << "its records do not follow the vehicle before it";
  } else if (vehicle.vehicle_id() >= kMaxVehicleId) {
    fault << "ids must be below " << kMaxVehicleId;
  } else if (vehicle.model_id() < -1 ||
             vehicle.model_id() >= static_cast<int>(index.num_models())) {
    fault << "model label " << vehicle.model_id() << " is not in -1 .. "
          << static_cast<int>(index.num_models()) - 1;
  }
  return fault.str();
}

void CheckVehicles(const PairIndex& index, const std::string& path) {
  uint32_t next = 0;
  std::set<uint32_t> ids;
  for (const PairIndex::Vehicle& vehicle : index.vehicle()) {
    std::string fault = Fault(index, vehicle, next);
    if (fault.empty() && !ids.insert(vehicle.vehicle_id()).second) {
      fault = "the id occurs twice";
    }
    if (!fault.empty()) {
      throw InputError(
          "wrong pair index: " + fault,
          path + ", vehicle " + std::to_string(vehicle.vehicle_id()), kRebuild);
    }
    next += vehicle.count();
  }
  if (next != index.num_images()) {
    throw InputError("wrong pair index: its vehicles have " +
                         std::to_string(next) + " images, it states " +
                         std::to_string(index.num_images()),
                     path, kRebuild);
  }
}

// As PairIndex defines it. Only key pages and 64 values are read.
void CheckFingerprint(const PairIndex& index, const ImageLmdb& lmdb,
                      const std::string& path) {
  const uint64_t images = index.num_images();
  std::set<uint64_t> sample;
  for (uint64_t k = 0; k < 64; ++k) sample.insert(k * images / 64);
  uint32_t keys_crc = 0, sample_crc = 0;
  uint64_t record = 0;
  lmdb.ForEach([&](const MDB_val& key, const MDB_val& value) {
    const uint32_t size = value.mv_size;
    unsigned char little_endian[4];
    for (int i = 0; i < 4; ++i) little_endian[i] = size >> (8 * i);
    keys_crc = Crc(keys_crc, key.mv_data, key.mv_size);
    keys_crc = Crc(keys_crc, little_endian, sizeof(little_endian));
    if (images <= 64 || sample.count(record)) {
      sample_crc = Crc(sample_crc, value.mv_data, value.mv_size);
    }
    ++record;
  });
  if (keys_crc != index.keys_crc32() || sample_crc != index.sample_crc32()) {
    throw InputError(
        "the pair index is not of this LMDB: its fingerprint differs", path,
        kRebuild);
  }
}

}  // namespace

PairIndex LoadPairIndex(const ImageLmdb& lmdb) {
  const std::string path = lmdb.source() + "/pair_index.binaryproto";
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InputError("the image LMDB has no pair index", path,
                     std::string("PairSetData must know which images show the "
                                 "same vehicle: ") +
                         kRebuild);
  }
  PairIndex index;
  if (!index.ParseFromIstream(&file) || index.version() != 1) {
    throw InputError("not a pair index of version 1", path, kRebuild);
  }
  CheckVehicles(index, path);
  if (index.num_images() != lmdb.entries()) {
    throw InputError("the pair index is not of this LMDB: it names " +
                         std::to_string(index.num_images()) +
                         " images, the LMDB holds " +
                         std::to_string(lmdb.entries()),
                     path, kRebuild);
  }
  CheckFingerprint(index, lmdb, path);
  return index;
}

const PairIndex::Vehicle& VehicleOf(const PairIndex& index, uint32_t record) {
  const auto after = std::upper_bound(
      index.vehicle().begin(), index.vehicle().end(), record,
      [](uint32_t r, const PairIndex::Vehicle& v) { return r < v.first(); });
  return *(after - 1);
}

}  // namespace drdl
