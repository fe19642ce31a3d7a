#ifndef DRDL_PAIR_INDEX_HPP_
#define DRDL_PAIR_INDEX_HPP_

#include "caffe/proto/caffe.pb.h"
#include "drdl/image_lmdb.hpp"

namespace drdl {

/**
 * @brief Reads an LMDB's pair index and verifies it against the LMDB.
 *
 * Checked are the counts, that vehicles follow each other without gaps, ids
 * and model labels, and the fingerprint: nobody shall train on the labels of
 * another data set.
 * @throws InputError naming the file, and the vehicle where there is one.
 */
caffe::PairIndex LoadPairIndex(const ImageLmdb& lmdb);

/// The vehicle that a record shows.
const caffe::PairIndex::Vehicle& VehicleOf(const caffe::PairIndex& index,
                                           uint32_t record);

}  // namespace drdl

#endif  // DRDL_PAIR_INDEX_HPP_
