#include "calibrate/alps.h"

#include <algorithm>

#include "base/parallel.h"
#include "calibrate/choose.h"
#include "calibrate/float_product.h"
#include "calibrate/refit.h"

namespace pare::calibrate {
namespace {

// The settings of the published code.
constexpr double kFirstPenalty = 0.1, kMostPenalty = 1e6;
constexpr unsigned kMostSteps = 300, kStepsPerPenalty = 3, kFewestSteps = 30, kFittingSteps = 10;
constexpr double kLargeChange = 0.1, kMediumChange = 0.005, kNoChange = 0.0003;  // shares of the weights that remain

constexpr std::size_t kRowsOfStep = 128;  ///< the same for any number of threads

/// The variables of ADMM, all [out, in] and scaled: `free` minimizes the error, `sparse` has zeros, and `dual` pulls
/// them together.
class Admm {
 public:
  Admm(LinearTask& task, const ScaledHessian& hessian, const Context& context)
      : task_(task),
        hessian_(hessian),
        context_(base::worthwhile(context, task.weights.size() * task.in)),
        dense_(task.weights.size()),
        target_(dense_),
        free_(dense_),
        sparse_(dense_),
        dual_(dense_),
        sum_(dense_) {
    for (std::size_t i = 0; i < dense_.size(); ++i) dense_[i] = task.weights[i] * hessian.scale[i % task.in];
    for_rows([&](std::size_t begin, std::size_t rows) { times(dense_, begin, rows, hessian_.values, target_); });
    start();
  }

  /// Leaves the weights that remain in the task, not fitted yet.
  void run() {
    double penalty = kFirstPenalty;
    bool grown = false;
    std::vector<float> inverse = inverse_of_shifted(hessian_, penalty, context_);
    std::vector<std::uint8_t> before = task_.removed;
    const auto remaining = static_cast<double>(std::count(before.begin(), before.end(), 0));
    for (unsigned i = 0; i < kMostSteps; ++i) {
      context_.check();
      step(inverse, static_cast<float>(penalty));
      if ((i + 1) % kStepsPerPenalty != 0) continue;
      std::size_t changed = 0;
      for (std::size_t j = 0; j < before.size(); ++j) changed += before[j] != task_.removed[j] ? 1 : 0;
      const double share = remaining == 0 ? 0.0 : static_cast<double>(changed) / remaining;
      before = task_.removed;
      if (changed == 0 && grown) break;
      if (changed != 0 && (grown || share > kMediumChange)) {
        penalty *= share > kLargeChange ? 1.3 : share > kMediumChange ? 1.2 : 1.1;
        grown = true;
      } else {
        penalty /= 5;  // it was too large for the choice to change at all
        if (changed != 0) start();
      }
      if (i >= kFewestSteps && share < kNoChange) break;
      penalty = std::min(penalty, kMostPenalty);
      inverse = inverse_of_shifted(hessian_, penalty, context_);
    }
    choose_smallest(free_, task_, context_);
    for (std::size_t i = 0; i < free_.size(); ++i)
      task_.weights[i] = task_.removed[i] != 0 ? 0 : free_[i] / hessian_.scale[i % task_.in];
  }

 private:
  template <class Body>
  void for_rows(const Body& body) {
    base::parallel_for((task_.out + kRowsOfStep - 1) / kRowsOfStep, context_, [&](std::size_t item, unsigned) {
      const std::size_t first = item * kRowsOfStep;
      body(first * task_.in, std::min(task_.out, first + kRowsOfStep) - first);
    });
  }

  void times(const std::vector<float>& from, std::size_t begin, std::size_t rows, const std::vector<float>& matrix,
             std::vector<float>& to) const {
    multiply({from.data() + begin, task_.in}, {matrix.data(), task_.in}, rows, task_.in, task_.in, 1, 0,
             {to.data() + begin, task_.in});
  }

  void start() {
    choose_smallest(dense_, task_, context_);
    std::fill(dual_.begin(), dual_.end(), 0.0F);
    for (std::size_t i = 0; i < sparse_.size(); ++i) sparse_[i] = task_.removed[i] != 0 ? 0 : dense_[i];
  }

  void step(const std::vector<float>& inverse, float penalty) {
    for_rows([&](std::size_t begin, std::size_t rows) {
      const std::size_t end = begin + rows * task_.in;
      for (std::size_t i = begin; i < end; ++i) sum_[i] = target_[i] - dual_[i] + penalty * sparse_[i];
      times(sum_, begin, rows, inverse, free_);
      for (std::size_t i = begin; i < end; ++i) sum_[i] = free_[i] + dual_[i] / penalty;
    });
    choose_smallest(sum_, task_, context_);
    for_rows([&](std::size_t begin, std::size_t rows) {
      for (std::size_t i = begin; i < begin + rows * task_.in; ++i) {
        sparse_[i] = task_.removed[i] != 0 ? 0 : sum_[i];
        dual_[i] += penalty * (free_[i] - sparse_[i]);
      }
    });
  }

  LinearTask& task_;
  const ScaledHessian& hessian_;
  Context context_;
  std::vector<float> dense_, target_, free_, sparse_, dual_, sum_;
};

}  // namespace

void prune_by_alps(LinearTask& task, const ScaledHessian& hessian, const Context& context) {
  const std::vector<float> dense = task.weights;
  Admm(task, hessian, context).run();
  refit(task, dense, hessian, kFittingSteps, context);
}

}  // namespace pare::calibrate
