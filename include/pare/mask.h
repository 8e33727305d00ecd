// The pruning decision for one tensor: which elements become zero, and the new values of the others if they change.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "pare/model.h"

namespace pare {

/// A value type, cheap to copy and to compare, except for Bits, whose cost grows with the number of blocks. Code that
/// writes, packs, runs or measures a pruned model gets the pruned weights from copy(), so a new criterion needs no
/// change there.
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
  /// Like BelowKey, but compares pseudo-random scores instead of magnitudes: hashes of `seed` and the position of the
  /// element, which is first_position + flat index.
  struct BelowScore {
    std::uint64_t key = 0;
    std::uint64_t tie_end = 0;
    std::uint64_t seed = 0;
    std::uint64_t first_position = 0;  ///< position of element 0 among all elements that could be pruned
    bool operator==(const BelowScore&) const = default;
  };
  /// Of every m consecutive weights along the input axis, the m - n with the smallest magnitudes; of equal ones, those
  /// with the lower index. Matrices only. See Pattern::Kind::kNOfM.
  struct NOfM {
    std::uint64_t n = 0, m = 0;
    Orientation orientation = Orientation::kNone;
    bool operator==(const NOfM&) const = default;
  };
  /// One bit for each block of the stored matrix: block i, in row-major order, is bit i % 64 of removed[i / 64]. Blocks
  /// at the ends of the axes may be smaller. A tensor that is not a matrix counts as one row. With blocks of one
  /// element, i is the flat index.
  struct Bits {
    std::vector<std::uint64_t> removed;               ///< 1: all weights of the block become zero
    std::uint64_t block_rows = 1, block_columns = 1;  ///< both at least 1
    /// New values for the whole tensor, in its dtype and in C order, from a criterion that changes the remaining
    /// weights; null if they stay as they are. Values of removed elements are ignored. The pointer also keeps the
    /// memory that the span refers to.
    std::shared_ptr<const std::span<const std::byte>> values = nullptr;
    bool operator==(const Bits&) const = default;  ///< compares `values` by address
  };
  using Kind = std::variant<None, BelowKey, BelowScore, NOfM, Bits>;

  Mask() = default;
  template <class Of>
  requires std::constructible_from<Kind, Of&&> Mask(Of&& kind)
      : kind_(std::forward<Of>(kind)) {}  // NOLINT(google-explicit-constructor): implicit on purpose

  const Kind& kind() const noexcept { return kind_; }
  /// Whether the kind is None. (A mask of another kind may also leave everything as it is.)
  bool is_none() const noexcept { return std::holds_alternative<None>(kind_); }
  /// Whether remaining weights may differ from the source.
  bool changes_values() const noexcept;
  /// Whether the mask removes the elements of smallest magnitude, and only those, and changes no others. Magnitude
  /// counts of the pruned tensor then follow from those of the source, without reading it again.
  bool removes_smallest() const noexcept;

  /// Fills `target` with elements [begin, begin + n) of `tensor` after pruning; removed ones are +0. `target` has room
  /// for n elements of the tensor's dtype. Any split of a tensor yields the same bytes. Throws Error (kMismatch) if a
  /// Bits mask was made for a tensor of another size.
  void copy(const TensorView& tensor, std::uint64_t begin, std::uint64_t n, std::byte* target) const;
  /// Returns the number of zeros, of either sign, in `tensor` after pruning. Reads the tensor once. Throws Error as
  /// copy(); Interrupted.
  std::uint64_t zeros(const TensorView& tensor, const Context& context = {}) const;

  bool operator==(const Mask&) const = default;

 private:
  Kind kind_;
};

}  // namespace pare
