#ifndef DRDL_BLAS_KERNEL_HPP_
#define DRDL_BLAS_KERNEL_HPP_

#include <string>

namespace drdl {

/// Which loops OpenBLAS multiplies with.
struct BlasKernel {
  /// Empty: the BLAS does not tell.
  std::string name;
  /// What OpenBLAS took by itself; empty where it stayed.
  std::string instead_of;

  /// For a log: "SkylakeX, where OpenBLAS took Prescott".
  std::string Text() const;
};

/**
 * @brief The kernel for a processor whose instructions OpenBLAS leaves unused;
 * empty where the one that it took may stay.
 *
 * OpenBLAS knows processors by their model numbers. One that is newer than
 * itself, or that a virtual machine calls otherwise, gets kernels for SSE3
 * (Debian 12's 0.3.21: Prescott on Xeons of 2023), at a fraction of the speed.
 */
std::string BetterBlasKernel(const std::string& taken, bool avx2, bool avx512);

/**
 * @brief Makes OpenBLAS take the better kernel, where there is one.
 *
 * It happens by itself as libcaffe is loaded, before anything is multiplied. A
 * kernel that OPENBLAS_CORETYPE names stays, and so does one that was built
 * without others.
 */
const BlasKernel& ChooseBlasKernel();

/// What ChooseBlasKernel last left.
const BlasKernel& ChosenBlasKernel();

}  // namespace drdl

#endif  // DRDL_BLAS_KERNEL_HPP_
