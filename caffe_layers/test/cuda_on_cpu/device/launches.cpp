#include "launches.hpp"

#include <stdio.h>

#include <cstdlib>
#include <map>
#include <string>

#include "cuda_on_cpu/testing.hpp"
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
  DeviceLock lock(device_mutex);
  if (Counts().empty() && GetOptions().launches) std::atexit(Write);
  ++Counts()[kernel];
}

long Launches(const std::string& kernel) {
  DeviceLock lock(device_mutex);
  long sum = 0;
  for (const auto& [name, launches] : Counts()) {
    if (kernel.empty() || name == kernel || name.rfind(kernel + "<", 0) == 0) {
      sum += launches;
    }
  }
  return sum;
}

}  // namespace cuda_on_cpu
