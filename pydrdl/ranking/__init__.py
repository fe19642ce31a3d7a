"""How many gallery items are closer to a probe than its matches, exactly.

The work is one float32 GEMM and a counting pass for each block of probes; the
P x G distances never exist at once. Several trials (the repeats of a protocol)
share the GEMM. Float32 only sorts out the clear cases: whatever lies within the
rounding error bound of a match is measured again in float64, as the sum of
squared differences. Where that is much, products in float64 sort out most of it
first (keys64). The counts therefore equal those of float64 for any BLAS and any
number of threads. (Where float64 itself cannot tell two distances apart, the
clear cases still follow their exact order.)
"""

from pydrdl.ranking.rank import Trial, count_closer, rank_matches, same_vehicle

__all__ = ["Trial", "count_closer", "rank_matches", "same_vehicle"]
