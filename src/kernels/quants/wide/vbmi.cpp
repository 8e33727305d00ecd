#include "kernels/quants/wide/vbmi.h"

namespace pare::kernels {

bool has_vbmi() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                          __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vbmi") != 0 &&
                          __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bitalg") != 0 &&
                          __builtin_cpu_supports("gfni") != 0;
  return has;
#else
  return false;
#endif
}

}  // namespace pare::kernels
