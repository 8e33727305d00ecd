// oneDNN runs on OpenMP, whose threads pare does not use.
#pragma once

#include "linear/signal_stack.h"

/// Functions of OpenMP. GCC has <omp.h>; Clang has it only with a package of its own.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int);

namespace pare::linear {

/// Limits OpenMP to one thread while it exists, because pare splits the work itself. The setting belongs to the calling
/// thread, which may be the host program's, so the destructor restores it. Also gives the thread a stack for signals.
class OneOpenMpThread {
 public:
  OneOpenMpThread() noexcept {
    use_signal_stack();
    omp_set_num_threads(1);
  }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  const int before_ = omp_get_max_threads();
};

}  // namespace pare::linear
