#include "launches.hpp"

#include <stdio.h>

#include <cstdlib>
#include <map>
#include <string>

#include "options.hpp"
#include "streams.hpp"

namespace cuda_on_cpu {

static std::map<std::string, long>& Counts() {
  static auto* counts = new std::map<std::string, long>;  // outlives exit
  return *counts;
}

// Many processes add to one file: a line "launches<tab>kernel" each.
static void Write() {
  std::string text;
  for (const auto& [kernel, launches] : Counts()) {
    text += std::to_string(launches) + "\t" + kernel + "\n";
  }
  FILE* file = fopen(GetOptions().launches, "a");
  if (file == nullptr || fputs(text.c_str(), file) < 0 || fclose(file) != 0) {
    perror("cuda_on_cpu: CUDA_ON_CPU_LAUNCHES");
    std::abort();
  }
}

void CountLaunch(const char* kernel) {
  if (GetOptions().launches == nullptr) return;
  DeviceLock lock(device_mutex);
  if (Counts().empty()) std::atexit(Write);
  ++Counts()[kernel];
}

}  // namespace cuda_on_cpu
