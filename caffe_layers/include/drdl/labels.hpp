#ifndef DRDL_LABELS_HPP_
#define DRDL_LABELS_HPP_

#include <sstream>
#include <string>

#include "drdl/checks.hpp"
#include "drdl/input_error.hpp"

namespace drdl {

/**
 * @brief Throws an InputError if a label is none of 0 .. outputs - 1.
 *
 * Layers index their blobs by labels; one out of range, or NaN, would read and
 * write beside them.
 *
 * @param labels  count values, as Caffe's blobs hold them
 * @param ignored a label that is left out, or NULL
 */
template <typename Dtype>
void CheckLabels(const Dtype* labels, int count, int outputs,
                 const int* ignored = NULL) {
  for (int i = 0; i < count; ++i) {
    const Dtype label = labels[i];
    // Compared as it is: to convert NaN or 1e20 to int is undefined. Towards
    // zero, as that conversion goes: -0.5 is label 0.
    if (label > -1 && label < outputs) continue;
    if (ignored && label > *ignored - Dtype(1) && label < *ignored + Dtype(1) &&
        static_cast<int>(label) == *ignored) {
      continue;
    }
    std::ostringstream what, where;
    what << "label " << label << " where there are " << outputs << " outputs";
    const std::string place = Place::All();
    where << (place.empty() ? "a layer with labels" : place) << ", label " << i
          << " of " << count << " in the batch";
    throw InputError(what.str(), where.str(),
                     "set num_output to more than the largest label, or number "
                     "the labels 0 .. " +
                         std::to_string(outputs - 1));
  }
}

}  // namespace drdl

#endif  // DRDL_LABELS_HPP_
