// Chooses weights of a whole matrix by the magnitude of some F32 values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// Chooses for one task, as often as asked: values that differ little from those before take one pass, because their
/// threshold is looked for near the last one.
class SmallestChooser {
 public:
  /// The task and the context must outlive the object.
  SmallestChooser(LinearTask& task, const Context& context);

  /// Sets task.removed to the smallest |values|, [out, in]: as many as the amount asks for, or those of each group of
  /// an N:M pattern. Of equal ones, those stored first go first. The same for any number of threads.
  void choose(const std::vector<float>& values);

 private:
  /// The bits of |values| in [low, low + span].
  struct Window {
    std::uint32_t low = 0, span = 0x7FFFFFFFU;
  };
  struct Threshold {
    std::uint32_t key = 0;
    std::uint64_t below = 0, equal = 0;  ///< numbers of values
  };

  void choose_of_all(const std::vector<float>& values);
  void choose_of_groups(const std::vector<float>& values);
  /// The threshold of the `amount` smallest values, if it is within the window.
  std::optional<Threshold> find(const std::vector<float>& values, std::uint64_t amount, Window window);
  Threshold find(const std::vector<float>& values, std::uint64_t amount);
  /// A window that very likely holds the threshold.
  Window window_of_sample(const std::vector<float>& values, std::uint64_t amount);
  void remove_up_to(const std::vector<float>& values, std::uint32_t threshold);
  /// The same, but of those that equal the threshold only as many as make up the amount.
  void remove_below(const std::vector<float>& values, const Threshold& threshold, std::uint64_t amount);

  LinearTask& task_;
  const Context context_;
  std::vector<std::uint32_t> keys_;  ///< those in a window, then anything
  std::optional<std::uint32_t> last_;
  std::uint32_t reach_;  ///< how far from the last threshold the next one is looked for
};

/// The same for values of which nothing is known.
void choose_smallest(const std::vector<float>& values, LinearTask& task, const Context& context);

}  // namespace pare::calibrate
