// What a source for AVX-512 with byte permutations (VBMI), VNNI, GFNI and BITALG includes and marks its functions with.
// Highway does not have all of their operations.
#pragma once

#if defined(__x86_64__)

// GCC 12 warns of its own header (its bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#define PARE_WIDE                                                                                   \
  __attribute__((                                                                                   \
      target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx512bitalg,gfni,f16c,fma," \
             "popcnt")))
#define PARE_WIDE_INLINE PARE_WIDE inline __attribute__((always_inline))

#endif

namespace pare::kernels {

/// Whether this machine has the instructions of functions that are marked.
bool has_vbmi();

}  // namespace pare::kernels
