#include "calibrate/choose.h"

#include <algorithm>
#include <bit>

#include "base/parallel.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kElementsAtOnce = std::size_t{1} << 16;
constexpr unsigned kLowBits = 15;

std::uint32_t key_of(float value) { return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU; }

using Counts = std::vector<std::uint64_t>;

/// Counts digit(key) of the elements; a digit of 2^16 or more is not counted.
template <class Digit>
Counts count(const std::vector<float>& values, const Context& context, const Digit& digit) {
  std::vector<Counts> by_worker(base::thread_count(context), Counts(std::size_t{1} << 16));
  base::parallel_for((values.size() + kElementsAtOnce - 1) / kElementsAtOnce, context,
                     [&](std::size_t item, unsigned worker) {
                       const std::size_t end = std::min(values.size(), (item + 1) * kElementsAtOnce);
                       for (std::size_t i = item * kElementsAtOnce; i < end; ++i)
                         if (const std::uint32_t d = digit(key_of(values[i])); d < 1U << 16) ++by_worker[worker][d];
                     });
  for (std::size_t worker = 1; worker < by_worker.size(); ++worker)
    for (std::size_t i = 0; i < by_worker[0].size(); ++i) by_worker[0][i] += by_worker[worker][i];
  return std::move(by_worker[0]);
}

/// The digit that holds the element at `position` of the rising order; `position` becomes its place among those.
std::uint32_t find(const Counts& counts, std::uint64_t& position) {
  std::uint32_t digit = 0;
  for (; position >= counts[digit]; ++digit) position -= counts[digit];
  return digit;
}

void choose_of_all(const std::vector<float>& values, std::size_t amount, LinearTask& task, const Context& context) {
  if (amount == 0 || amount == values.size()) {
    std::fill(task.removed.begin(), task.removed.end(), amount == 0 ? std::uint8_t{0} : std::uint8_t{1});
    return;
  }
  std::uint64_t position = amount - 1;
  const std::uint32_t high = find(count(values, context, [](std::uint32_t key) { return key >> kLowBits; }), position);
  const Counts lows = count(values, context, [&](std::uint32_t key) {
    return key >> kLowBits == high ? key & ((1U << kLowBits) - 1) : 1U << 16;
  });
  const std::uint32_t low = find(lows, position), threshold = high << kLowBits | low;
  if (position + 1 == lows[low]) {  // all that equal the threshold go, mostly a single one
    base::parallel_for((values.size() + kElementsAtOnce - 1) / kElementsAtOnce, context,
                       [&](std::size_t item, unsigned) {
                         const std::size_t end = std::min(values.size(), (item + 1) * kElementsAtOnce);
                         const float* value = values.data();
                         std::uint8_t* removed = task.removed.data();
                         for (std::size_t i = item * kElementsAtOnce; i < end; ++i)
                           removed[i] = key_of(value[i]) <= threshold ? 1 : 0;
                       });
    return;
  }
  std::vector<std::vector<Candidate>> ties(base::thread_count(context));
  base::parallel_for(task.out, context, [&](std::size_t row, unsigned worker) {
    for (std::size_t i = 0; i < task.in; ++i) {
      const std::uint32_t key = key_of(values[row * task.in + i]);
      task.removed_row(row)[i] = key < threshold ? 1 : 0;
      if (key == threshold)
        ties[worker].push_back(
            {key, task.stored(row, i), static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(i)});
    }
  });
  std::vector<Candidate> all;
  for (const std::vector<Candidate>& some : ties) all.insert(all.end(), some.begin(), some.end());
  remove_smallest(all, position + 1, task);
}

void choose_of_groups(const std::vector<float>& values, LinearTask& task, const Context& context) {
  std::fill(task.removed.begin(), task.removed.end(), std::uint8_t{0});
  std::vector<std::vector<Candidate>> candidates(base::thread_count(context));
  base::parallel_for(task.out, context, [&](std::size_t row, unsigned worker) {
    std::vector<Candidate>& group = candidates[worker];
    for (std::size_t begin = 0; begin < task.in; begin += task.pattern.m) {
      const std::size_t end = std::min<std::size_t>(task.in, begin + task.pattern.m);
      group.clear();
      for (std::size_t i = begin; i < end; ++i)
        group.push_back({key_of(values[row * task.in + i]), task.stored(row, i), static_cast<std::uint32_t>(row),
                         static_cast<std::uint32_t>(i)});
      remove_smallest(group, removed_of_group(task.pattern, end - begin), task);
    }
  });
}

}  // namespace

void choose_smallest(const std::vector<float>& values, LinearTask& task, const Context& context) {
  const Context shared = base::worthwhile(context, values.size());
  if (task.pattern.kind == Pattern::Kind::kNOfM)
    choose_of_groups(values, task, shared);
  else
    choose_of_all(values, task.amount.of(values.size()), task, shared);
}

}  // namespace pare::calibrate
