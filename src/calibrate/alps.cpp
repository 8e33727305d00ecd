#include "calibrate/alps.h"

#include <algorithm>

#include "base/parallel.h"
#include "calibrate/algebra/float_product.h"
#include "calibrate/algebra/shifted_factor.h"
#include "calibrate/choose.h"
#include "calibrate/refit.h"

namespace pare::calibrate {
namespace {

// The settings of the published code.
constexpr double kFirstPenalty = 0.1, kMostPenalty = 1e6;
constexpr unsigned kMostSteps = 300, kStepsPerPenalty = 3, kFewestSteps = 30, kFittingSteps = 10;
constexpr double kLargeChange = 0.1, kMediumChange = 0.005, kNoChange = 0.0003;  // shares of the weights that remain

constexpr std::size_t kRowsOfStep = 128;  ///< the same for any number of threads

// These loops have no branches, because what is removed is not predictable, and write to one vector each, so that they
// are compiled to vector instructions.

void choose_factors(const std::uint8_t* removed, float kept, float gone, std::vector<float>& factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = removed[i] != 0 ? gone : kept;
}

/// result = a + factors * b
void add_scaled(const float* a, const std::vector<float>& factors, const float* b, std::vector<float>& result) {
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = a[i] + factors[i] * b[i];
}

/// b = a + factors * b
void scale_and_add(const std::vector<float>& factors, const float* a, float* b) {
  for (std::size_t i = 0; i < factors.size(); ++i) b[i] = a[i] + factors[i] * b[i];
}

/// ADMM on scaled weights, all matrices [out, in]. `free_` minimizes the error. The other two variables of the method
/// are not stored: both follow from `sum_`, which is `free_` plus the dual variable over the penalty, and from the
/// choice. Where a weight is removed, the sparse one is 0 and the dual one is the last penalty times `sum_`; where it
/// remains, the sparse one is `sum_` and the dual one 0.
class Admm {
 public:
  Admm(LinearTask& task, const ScaledHessian& hessian, const Context& context)
      : task_(task),
        hessian_(hessian),
        context_(base::worthwhile(context, task.weights.size() * task.in)),
        factor_(hessian),
        chooser_(task, context_),
        dense_(task.weights.size()),
        target_(dense_),
        free_(dense_),
        sum_(dense_),
        workers_(base::thread_count(context_)) {
    for (std::size_t i = 0; i < dense_.size(); ++i) dense_[i] = task.weights[i] * hessian.scale[i % task.in];
    for_rows([&](std::size_t begin, std::size_t rows, unsigned) {
      multiply({dense_.data() + begin, task_.in}, hessian_.values.from(0, 0), rows, task_.in, task_.in, 1, 0,
               {target_.data() + begin, task_.in});
    });
    start();
  }

  /// Leaves the weights that remain in the task, not fitted yet.
  void run() {
    double penalty = kFirstPenalty;
    bool grown = false;
    factor_.set_shift(penalty, context_);
    std::vector<std::uint8_t> before = task_.removed;
    const auto remaining = static_cast<double>(std::count(before.begin(), before.end(), 0));
    for (unsigned i = 0; i < kMostSteps; ++i) {
      context_.check();
      step(static_cast<float>(penalty));
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
      factor_.set_shift(penalty, context_);
    }
    chooser_.choose(free_);
    for (std::size_t i = 0; i < free_.size(); ++i)
      task_.weights[i] = task_.removed[i] != 0 ? 0 : free_[i] / hessian_.scale[i % task_.in];
  }

 private:
  struct Worker {
    std::vector<float> right, half;  ///< of a step's equations: the right sides, and what is half solved
    std::vector<float> factors;
  };

  template <class Body>
  void for_rows(const Body& body) {
    base::parallel_for((task_.out + kRowsOfStep - 1) / kRowsOfStep, context_, [&](std::size_t item, unsigned worker) {
      const std::size_t first = item * kRowsOfStep;
      body(first * task_.in, std::min(task_.out, first + kRowsOfStep) - first, worker);
    });
  }

  void start() {
    chooser_.choose(dense_);
    sum_ = dense_;
    last_penalty_ = 0;  // so that the dual variable is 0
  }

  void step(float penalty) {
    const float last = last_penalty_, ratio = last / penalty;
    for_rows([&](std::size_t begin, std::size_t rows, unsigned worker) {
      const std::size_t size = rows * task_.in;
      Worker& own = workers_[worker];
      own.right.resize(size);
      own.factors.resize(size);
      choose_factors(task_.removed.data() + begin, penalty, -last, own.factors);
      add_scaled(target_.data() + begin, own.factors, sum_.data() + begin, own.right);
      factor_.solve(own.right.data(), rows, free_.data() + begin, own.half);
      choose_factors(task_.removed.data() + begin, 0, ratio, own.factors);
      scale_and_add(own.factors, free_.data() + begin, sum_.data() + begin);
    });
    chooser_.choose(sum_);
    last_penalty_ = penalty;
  }

  LinearTask& task_;
  const ScaledHessian& hessian_;
  Context context_;
  ShiftedFactor factor_;
  SmallestChooser chooser_;
  std::vector<float> dense_, target_, free_, sum_;
  std::vector<Worker> workers_;
  float last_penalty_ = 0;
};

}  // namespace

void prune_by_alps(LinearTask& task, const ScaledHessian& hessian, const Context& context) {
  const std::vector<float> dense = task.weights;
  Admm(task, hessian, context).run();
  refit(task, dense, hessian, kFittingSteps, context);
}

}  // namespace pare::calibrate
