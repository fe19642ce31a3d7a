#include "drdl/blas_kernel.hpp"

#include <cstdlib>
#include <set>

#include "drdl/processor.hpp"

// OpenBLAS's own; another BLAS has none of them, and one for a single kind of
// processor has no dynamic ones.
extern "C" {
char* openblas_get_corename() __attribute__((weak));
void gotoblas_dynamic_init() __attribute__((weak));
void gotoblas_dynamic_quit() __attribute__((weak));
}

namespace drdl {

namespace {

const char* const kEnvironment = "OPENBLAS_CORETYPE";

// Kernels that make no use of AVX2 and FMA.
const std::set<std::string>& WithoutAvx2() {
  static const std::set<std::string> names = {
      "Katmai",      "Coppermine", "Northwood",    "Prescott",   "Banias",
      "Atom",        "Core2",      "Penryn",       "Dunnington", "Nehalem",
      "Athlon",      "Opteron",    "Opteron_SSE3", "Barcelona",  "Nano",
      "Sandybridge", "Bobcat",     "Bulldozer",    "Piledriver", "Steamroller"};
  return names;
}

std::string Taken() {
  return openblas_get_corename ? openblas_get_corename() : "";
}

BlasKernel& Chosen() {
  static BlasKernel kernel;
  return kernel;
}

// OpenBLAS looks at the processor when it is loaded, which is before this.
[[maybe_unused]] const BlasKernel& at_load = ChooseBlasKernel();

}  // namespace

std::string BlasKernel::Text() const {
  const std::string known =
      name.empty() ? "of a BLAS that does not tell" : name;
  return instead_of.empty() ? known
                            : known + ", where OpenBLAS took " + instead_of;
}

std::string BetterBlasKernel(const std::string& taken, bool avx2, bool avx512) {
  if (!avx2 || WithoutAvx2().count(taken) == 0) return "";
  return avx512 ? "SkylakeX" : "Haswell";
}

const BlasKernel& ChooseBlasKernel() {
  const std::string taken = Taken();
  Chosen() = BlasKernel{taken, ""};
  const std::string better = BetterBlasKernel(taken, HasAvx2(), HasAvx512());
  if (better.empty() || std::getenv(kEnvironment) || !gotoblas_dynamic_init ||
      !gotoblas_dynamic_quit) {
    return Chosen();
  }
  // It takes a name from the environment only. Processes that are started from
  // this one choose for themselves.
  setenv(kEnvironment, better.c_str(), 0);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv(kEnvironment);
  if (const std::string now = Taken(); now != taken) {
    Chosen() = BlasKernel{now, taken};
  }
  return Chosen();
}

const BlasKernel& ChosenBlasKernel() { return Chosen(); }

}  // namespace drdl
