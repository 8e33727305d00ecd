#include "calibrate/wanda.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"

namespace pare::calibrate {

void prune_by_wanda(LinearTask& task, const std::vector<double>& squares, const Context& context) {
  std::vector<double> norms(squares.size());
  std::transform(squares.begin(), squares.end(), norms.begin(), [](double sum) { return std::sqrt(sum); });
  const bool groups = task.pattern.kind == Pattern::Kind::kNOfM;
  const std::size_t width = groups ? task.pattern.m : std::max<std::size_t>(1, task.in);
  std::vector<std::vector<Candidate>> candidates(base::thread_count(context));
  base::parallel_for(task.out, base::worthwhile(context, task.weights.size()), [&](std::size_t row, unsigned worker) {
    for (std::size_t begin = 0; begin < task.in; begin += width) {
      const std::size_t end = std::min(task.in, begin + width);
      std::vector<Candidate>& some = candidates[worker];
      some.clear();
      for (std::size_t i = begin; i < end; ++i)
        some.push_back({score_key(static_cast<double>(task.row(row)[i]) * norms[i]), task.stored(row, i),
                        static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(i)});
      remove_smallest(some, groups ? removed_of_group(task.pattern, end - begin) : task.amount.of(task.in), task);
    }
  });
}

}  // namespace pare::calibrate
