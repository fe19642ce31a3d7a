#include "options.hpp"

#include <cstdlib>
#include <string>

namespace cuda_on_cpu {

static int Number(const char* name, int otherwise) {
  const char* value = std::getenv((std::string("CUDA_ON_CPU_") + name).c_str());
  return value ? std::atoi(value) : otherwise;
}

const Options& GetOptions() {
  static const Options options = {
      Number("LATE", 0),
      Number("ORDER", 0),
      Number("PROTECT", 1),
      Number("REPORTS", 30),
      Number("NO_DRIVER", 0) != 0,
      Number("MEMORY", 16384),
      Number("DEVICES", 1),
      Number("PATIENCE", 60),
      std::getenv("CUDA_ON_CPU_LAUNCHES"),
  };
  return options;
}

}  // namespace cuda_on_cpu
