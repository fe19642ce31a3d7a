#include "drdl/gpu_options.hpp"

#include <atomic>
#include <cstdlib>
#include <string>

#include "caffe/common.hpp"
#include "drdl/input_error.hpp"

namespace drdl {

namespace {

// The whole number that stands in the environment, from 0 to most.
size_t FromEnvironment(const char* name, size_t most, size_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  const std::string digits = text;
  const bool number =
      digits.size() < 10 &&
      digits.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoul(digits) > most) {
    throw InputError("'" + Visible(digits) + "' is no value of " + name,
                     "the environment",
                     "give a whole number from 0 to " + std::to_string(most));
  }
  return std::stoul(digits);
}

}  // namespace

bool Tf32Allowed() { return FromEnvironment("CAFFE_ALLOW_TF32", 1, 1); }

bool Deterministic() { return FromEnvironment("CAFFE_DETERMINISTIC", 1, 0); }

size_t WorkspaceLimit() {
  return FromEnvironment("CAFFE_WORKSPACE_MB", 65536, 256) << 20;
}

void TellPrecisionOnce() {
  static std::atomic<bool> told{false};
  if (told.exchange(true)) return;
  LOG(INFO)
      << (Tf32Allowed()
              ? "Factors of convolutions and matrix products are rounded "
                "to TF32 where the GPU has it: a relative error of up to "
                "2^-11 each, where float has 2^-24; features move by "
                "about 0.001 of their length. CAFFE_ALLOW_TF32=0 computes "
                "in float."
              : "Convolutions and matrix products are computed in float, "
                "without TF32.");
}

}  // namespace drdl
