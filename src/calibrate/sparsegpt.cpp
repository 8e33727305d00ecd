#include "calibrate/sparsegpt.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "calibrate/algebra/float_product.h"

namespace pare::calibrate {
namespace {

/// The same for any number of threads, because oneDNN's order may depend on it.
constexpr std::size_t kRowsAtOnce = 64;

class SparseGpt {
 public:
  SparseGpt(LinearTask& task, const InverseFactor& factor, std::size_t columns, const Context& context)
      : task_(task),
        factor_(factor),
        context_(base::worthwhile(context, task.weights.size() * columns)),
        groups_(task.pattern.kind == Pattern::Kind::kNOfM),
        width_(groups_ ? std::max<std::size_t>(task.pattern.m, columns / task.pattern.m * task.pattern.m) : columns),
        workers_(base::thread_count(context)) {}

  void run() {
    const std::size_t all = groups_ ? 0 : task_.amount.of(std::uint64_t{task_.out} * task_.in);
    std::size_t gone = 0;
    for (std::size_t begin = 0; begin < task_.in; begin += width_) {
      const std::size_t end = std::min(task_.in, begin + width_);
      if (!groups_) {
        const auto until =
            end == task_.in ? all
                            : static_cast<std::size_t>(std::nearbyint(
                                  static_cast<double>(all) * static_cast<double>(end) / static_cast<double>(task_.in)));
        choose(begin, end, std::min(until - gone, task_.out * (end - begin)));
        gone = until;
      }
      base::parallel_for((task_.out + kRowsAtOnce - 1) / kRowsAtOnce, context_,
                         [&](std::size_t item, unsigned worker) { update(item * kRowsAtOnce, begin, end, worker); });
    }
    task_.changed = true;
  }

 private:
  struct Worker {
    std::vector<float> errors;
    std::vector<Candidate> candidates;
  };

  const float* factor_row(std::size_t i) const { return factor_.upper.row(i); }

  Candidate candidate(std::size_t row, std::size_t column) const {
    const double root = factor_.unused[column] != 0 ? 0.0
                                                    : static_cast<double>(task_.row(row)[column]) /
                                                          static_cast<double>(factor_row(column)[column]);
    return {score_key(root), task_.stored(row, column), static_cast<std::uint32_t>(row),
            static_cast<std::uint32_t>(column)};
  }

  /// Removes `count` of the columns' weights.
  void choose(std::size_t begin, std::size_t end, std::size_t count) {
    candidates_.resize(task_.out * (end - begin));
    base::parallel_for(task_.out, context_, [&](std::size_t row, unsigned) {
      for (std::size_t i = begin; i < end; ++i) candidates_[row * (end - begin) + i - begin] = candidate(row, i);
    });
    remove_smallest(candidates_, count, task_);
  }

  void choose_in_group(std::size_t row, std::size_t column, std::vector<Candidate>& candidates) {
    const std::size_t end = std::min<std::size_t>(task_.in, column + task_.pattern.m);
    candidates.clear();
    for (std::size_t i = column; i < end; ++i) candidates.push_back(candidate(row, i));
    remove_smallest(candidates, removed_of_group(task_.pattern, end - column), task_);
  }

  /// Some rows: removes weights of the columns one by one and spreads each error over the columns to its right.
  void update(std::size_t first, std::size_t begin, std::size_t end, unsigned worker) {
    const std::size_t last = std::min(task_.out, first + kRowsAtOnce), width = end - begin;
    std::vector<float>& errors = workers_[worker].errors;
    errors.assign((last - first) * width, 0.0F);
    for (std::size_t row = first; row < last; ++row) {
      float* weights = task_.row(row);
      for (std::size_t i = begin; i < end; ++i) {
        if (groups_ && i % task_.pattern.m == 0) choose_in_group(row, i, workers_[worker].candidates);
        if (task_.removed_row(row)[i] == 0) continue;
        const float* factors = factor_row(i);
        const float error = weights[i] / factors[i];
        for (std::size_t j = i + 1; j < end; ++j) weights[j] -= error * factors[j];
        weights[i] = 0;
        errors[(row - first) * width + i - begin] = error;
      }
    }
    if (end == task_.in) return;
    multiply({errors.data(), width}, factor_.upper.from(begin, end), last - first, width, task_.in - end, -1, 1,
             {task_.row(first) + end, task_.in});
  }

  LinearTask& task_;
  const InverseFactor& factor_;
  Context context_;
  bool groups_;
  std::size_t width_;
  std::vector<Worker> workers_;
  std::vector<Candidate> candidates_;
};

}  // namespace

void prune_by_sparsegpt(LinearTask& task, const InverseFactor& factor, std::size_t columns, const Context& context) {
  SparseGpt(task, factor, std::min(columns, task.in), context).run();
}

}  // namespace pare::calibrate
