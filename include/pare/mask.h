// A prune decision of one tensor: which elements become zero, and what the others become where they change.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "pare/model.h"

namespace pare {

/// A value: cheap to test, to compare and (but for Bits) to copy. Whatever writes, packs, runs or measures a pruned
/// model only calls copy(), so a new criterion needs no change there.
class Mask {
 public:
  /// No element becomes zero.
  struct None {
    bool operator==(const None&) const = default;
  };
  /// Elements whose magnitude key (the bit pattern without its sign bit) is below `key`, and those whose key equals it
  /// at a flat index below `tie_end`. `key` is at most the largest magnitude key of the dtype.
  struct BelowKey {
    std::uint64_t key = 0;
    std::uint64_t tie_end = 0;
    bool operator==(const BelowKey&) const = default;
  };
  /// The same for scores drawn from (seed, first_position + flat index).
  struct BelowScore {
    std::uint64_t key = 0;
    std::uint64_t tie_end = 0;
    std::uint64_t seed = 0;
    std::uint64_t first_position = 0;  ///< of element 0 among all candidates
    bool operator==(const BelowScore&) const = default;
  };
  /// The m - n smallest magnitudes of every m consecutive weights along the input axis; see Pattern::Kind::kNOfM.
  /// Matrices only.
  struct NOfM {
    std::uint64_t n = 0, m = 0;
    Orientation orientation = Orientation::kNone;
    bool operator==(const NOfM&) const = default;
  };
  /// Blocks of a matrix as it is stored, one bit each: in C order, lowest bit first. Blocks at the ends of the axes
  /// may be smaller. A tensor that is not a matrix counts as one row. With blocks of one element, bit i is that of the
  /// flat index i.
  struct Bits {
    std::vector<std::uint64_t> removed;               ///< set bits become zero
    std::uint64_t block_rows = 1, block_columns = 1;  ///< both at least 1
    /// The whole tensor as criteria that change weights leave it, in its dtype; null: weights that stay are unchanged.
    std::shared_ptr<const std::vector<std::byte>> values = nullptr;
    bool operator==(const Bits&) const = default;  ///< values: the same object
  };
  using Kind = std::variant<None, BelowKey, BelowScore, NOfM, Bits>;

  Mask() = default;
  template <class Of>
  requires std::constructible_from<Kind, Of&&> Mask(Of&& kind)
      : kind_(std::forward<Of>(kind)) {}  // NOLINT(google-explicit-constructor): a kind is a mask

  const Kind& kind() const noexcept { return kind_; }
  /// Whether copy() changes nothing.
  bool is_none() const noexcept { return std::holds_alternative<None>(kind_); }
  /// Whether weights that stay may differ from the source.
  bool changes_values() const noexcept;
  /// Whether no element that becomes zero is larger than one that stays, and none that stays changes: counts of the
  /// source by magnitude then tell those of the result.
  bool removes_smallest() const noexcept;

  /// Fills `target` with elements [begin, begin + n) of `tensor` as the mask leaves them, removed ones as +0. `target`
  /// holds n elements of the tensor's dtype. Any split of a tensor yields the same bytes. Throws Error (kMismatch) if
  /// the tensor's size is not that of the mask.
  void copy(const TensorView& tensor, std::uint64_t begin, std::uint64_t n, std::byte* target) const;
  /// Number of zeros, of either sign, in `tensor` as the mask leaves it. Reads the tensor once. Throws Error as copy();
  /// Interrupted.
  std::uint64_t zeros(const TensorView& tensor, const Context& context = {}) const;

  bool operator==(const Mask&) const = default;

 private:
  Kind kind_;
};

}  // namespace pare
