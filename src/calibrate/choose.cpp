#include "calibrate/choose.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/parallel.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kElementsAtOnce = std::size_t{1} << 16;
constexpr std::size_t kSample = 4096;
/// In units of the last place: 2^19 is about a sixteenth of a value.
constexpr std::uint32_t kFirstReach = 1U << 19, kLeastReach = 1U << 14, kMostReach = 1U << 22;

std::uint32_t key_of(float value) { return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU; }

/// Calls body(item, begin, end) for pieces of n elements.
template <class Body>
void for_pieces(std::size_t n, const Context& context, const Body& body) {
  base::parallel_for((n + kElementsAtOnce - 1) / kElementsAtOnce, context, [&](std::size_t item, unsigned) {
    body(item, item * kElementsAtOnce, std::min(n, (item + 1) * kElementsAtOnce));
  });
}

}  // namespace

SmallestChooser::SmallestChooser(LinearTask& task, const Context& context)
    : task_(task),
      context_(base::worthwhile(context, task.weights.size())),
      keys_(task.pattern.kind == Pattern::Kind::kNOfM ? 0 : task.weights.size()),
      reach_(kFirstReach) {}

void SmallestChooser::choose(const std::vector<float>& values) {
  if (task_.pattern.kind == Pattern::Kind::kNOfM)
    choose_of_groups(values);
  else
    choose_of_all(values);
}

void SmallestChooser::choose_of_all(const std::vector<float>& values) {
  const std::uint64_t amount = task_.amount.of(values.size());
  if (amount == 0 || amount == values.size()) {
    std::fill(task_.removed.begin(), task_.removed.end(), amount == 0 ? std::uint8_t{0} : std::uint8_t{1});
    return;
  }
  const Threshold threshold = find(values, amount);
  if (threshold.below + threshold.equal == amount)  // all that equal the threshold go, mostly a single one
    remove_up_to(values, threshold.key);
  else
    remove_below(values, threshold, amount);
}

SmallestChooser::Threshold SmallestChooser::find(const std::vector<float>& values, std::uint64_t amount) {
  if (last_) {
    const std::uint32_t low = *last_ - std::min(*last_, reach_);
    if (const std::optional<Threshold> found = find(values, amount, {low, 2 * reach_})) {
      const std::uint32_t moved = std::max(found->key, *last_) - std::min(found->key, *last_);
      if (moved < reach_ / 8) reach_ = std::max(reach_ / 2, kLeastReach);
      last_ = found->key;
      return *found;
    }
    reach_ = std::min(reach_ * 4, kMostReach);
  }
  std::optional<Threshold> found;
  if (values.size() > 8 * kSample) found = find(values, amount, window_of_sample(values, amount));
  if (!found) found = find(values, amount, Window());
  last_ = found->key;
  return *found;
}

SmallestChooser::Window SmallestChooser::window_of_sample(const std::vector<float>& values, std::uint64_t amount) {
  const std::size_t step = values.size() / kSample | 1;  // odd, so that it is not a multiple of the row length
  std::vector<std::uint32_t> sample;
  for (std::size_t i = 0; i < values.size(); i += step) sample.push_back(key_of(values[i]));
  std::sort(sample.begin(), sample.end());
  const auto size = static_cast<double>(sample.size());
  const double share = static_cast<double>(amount) / static_cast<double>(values.size()),
               error = 4 * std::sqrt(share * (1 - share) / size) + 2 / size;  // four standard errors of the rank
  const double first = (share - error) * size, last = (share + error) * size;
  const std::uint32_t low = first < 0 ? 0 : sample[static_cast<std::size_t>(first)],
                      high = last >= size ? 0x7FFFFFFFU : sample[static_cast<std::size_t>(last)];
  return {low, high - low};
}

std::optional<SmallestChooser::Threshold> SmallestChooser::find(const std::vector<float>& values, std::uint64_t amount,
                                                                Window window) {
  struct Counts {
    std::uint64_t below = 0;
    std::size_t inside = 0;
  };
  std::vector<Counts> counts((values.size() + kElementsAtOnce - 1) / kElementsAtOnce);
  for_pieces(values.size(), context_, [&](std::size_t item, std::size_t begin, std::size_t end) {
    const float* value = values.data();
    std::uint32_t below = 0;
    for (std::size_t i = begin; i < end; ++i) below += key_of(value[i]) < window.low ? 1 : 0;
    std::uint32_t* kept = keys_.data() + begin;
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t key = key_of(value[i]);
      *kept = key;
      kept += key - window.low <= window.span ? 1 : 0;  // a key below the window wraps around
    }
    counts[item] = {below, static_cast<std::size_t>(kept - (keys_.data() + begin))};
  });
  std::uint64_t below = 0;
  std::size_t inside = 0;
  for (std::size_t item = 0; item < counts.size(); ++item) {
    const std::uint32_t* own = keys_.data() + item * kElementsAtOnce;
    std::copy(own, own + counts[item].inside, keys_.data() + inside);
    below += counts[item].below;
    inside += counts[item].inside;
  }
  if (amount <= below || amount > below + inside) return std::nullopt;
  const auto begin = keys_.begin(), end = begin + static_cast<std::ptrdiff_t>(inside),
             at = begin + static_cast<std::ptrdiff_t>(amount - below - 1);
  std::nth_element(begin, at, end);
  const std::uint32_t key = *at;
  const auto equal_before = std::count(begin, at, key), equal_after = std::count(at, end, key);
  return Threshold{key, amount - 1 - static_cast<std::uint64_t>(equal_before),
                   static_cast<std::uint64_t>(equal_before + equal_after)};
}

void SmallestChooser::remove_up_to(const std::vector<float>& values, std::uint32_t threshold) {
  for_pieces(values.size(), context_, [&](std::size_t, std::size_t begin, std::size_t end) {
    const float* value = values.data();
    std::uint8_t* removed = task_.removed.data();
    for (std::size_t i = begin; i < end; ++i) removed[i] = key_of(value[i]) <= threshold ? 1 : 0;
  });
}

void SmallestChooser::remove_below(const std::vector<float>& values, const Threshold& threshold, std::uint64_t amount) {
  std::vector<std::vector<Candidate>> ties(base::thread_count(context_));
  base::parallel_for(task_.out, context_, [&](std::size_t row, unsigned worker) {
    for (std::size_t i = 0; i < task_.in; ++i) {
      const std::uint32_t key = key_of(values[row * task_.in + i]);
      task_.removed_row(row)[i] = key < threshold.key ? 1 : 0;
      if (key == threshold.key)
        ties[worker].push_back(
            {key, task_.stored(row, i), static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(i)});
    }
  });
  std::vector<Candidate> all;
  for (const std::vector<Candidate>& some : ties) all.insert(all.end(), some.begin(), some.end());
  remove_smallest(all, amount - threshold.below, task_);
}

void SmallestChooser::choose_of_groups(const std::vector<float>& values) {
  std::fill(task_.removed.begin(), task_.removed.end(), std::uint8_t{0});
  std::vector<std::vector<Candidate>> candidates(base::thread_count(context_));
  base::parallel_for(task_.out, context_, [&](std::size_t row, unsigned worker) {
    std::vector<Candidate>& group = candidates[worker];
    for (std::size_t begin = 0; begin < task_.in; begin += task_.pattern.m) {
      const std::size_t end = std::min<std::size_t>(task_.in, begin + task_.pattern.m);
      group.clear();
      for (std::size_t i = begin; i < end; ++i)
        group.push_back({key_of(values[row * task_.in + i]), task_.stored(row, i), static_cast<std::uint32_t>(row),
                         static_cast<std::uint32_t>(i)});
      remove_smallest(group, removed_of_group(task_.pattern, end - begin), task_);
    }
  });
}

void choose_smallest(const std::vector<float>& values, LinearTask& task, const Context& context) {
  SmallestChooser(task, context).choose(values);
}

}  // namespace pare::calibrate
