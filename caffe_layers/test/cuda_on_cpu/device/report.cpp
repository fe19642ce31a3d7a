#include "report.hpp"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>

#include "block.hpp"
#include "options.hpp"

namespace cuda_on_cpu {

static int reports = 0;

// Whatever the process meant to end with.
static void EndFaulty() {
  fprintf(stderr, "cuda_on_cpu: %d reports\n", reports);
  fflush(nullptr);
  _exit(kFaultyExit);
}

void Report(const void* pc, const char* what, ...) {
  static std::mutex mutex;
  static std::set<std::pair<const char*, const void*>> reported;
  std::lock_guard<std::mutex> lock(mutex);
  if (reports++ == 0) std::atexit(EndFaulty);
  if (!reported.insert({what, pc}).second) return;
  if (static_cast<int>(reported.size()) > GetOptions().reports) return;
  char text[512];
  va_list arguments;
  va_start(arguments, what);
  vsnprintf(text, sizeof text, what, arguments);
  va_end(arguments);
  fprintf(stderr, "cuda_on_cpu: %s\n", text);
  if (running.kernel) {
    const uint3 b = builtins.block, t = builtins.thread;
    fprintf(stderr, "  kernel %s, block (%u, %u, %u), thread (%u, %u, %u)\n",
            running.kernel, b.x, b.y, b.z, t.x, t.y, t.z);
  }
  Dl_info info;
  if (pc && dladdr(pc, &info) && info.dli_fname) {
    const char* at = static_cast<const char*>(pc);
    fprintf(stderr, "  addr2line -Cfpie %s 0x%zx\n", info.dli_fname,
            at - static_cast<const char*>(info.dli_fbase) - 1);
  }
}

}  // namespace cuda_on_cpu
