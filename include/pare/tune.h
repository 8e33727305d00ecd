// What products cost on this machine, so that every layer takes the kernel that is fastest for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/context.h"

namespace pare {

/// How a linear layer is multiplied.
enum class Kernel : std::uint8_t {
  kDense,
  kSliced,  ///< slices of 16 outputs, nonzeros with their positions
  kMasked,  ///< bit masks and nonzeros; up to 4 tokens
};

/// "dense", "sliced", "masked".
std::string_view kernel_name(Kernel kernel) noexcept;

/// Time of a product of some tokens with an [out, in] weight matrix, in nanoseconds:
///   dense   dense_weight * in * out
///   sliced  sliced_nonzero * nonzeros + sliced_edge * (in + out)
///   masked  masked_nonzero * nonzeros + masked_weight * in * out
struct KernelCost {
  std::size_t tokens = 1;
  double dense_weight = 0, sliced_nonzero = 0, sliced_edge = 0, masked_nonzero = 0, masked_weight = 0;
};

/// A model is small if its linear weights, as F32, take at most this many bytes: on most machines they then stay in a
/// cache from one token to the next.
inline constexpr std::uint64_t kSmallModelBytes = std::uint64_t{1} << 24;

struct KernelCosts {
  std::string target;  ///< instruction set, e.g. "AVX3_ZEN4"
  unsigned threads = 0;
  bool measured = false;           ///< false: pare's own figures, from one machine, good for ratios only
  std::vector<KernelCost> points;  ///< by rising tokens; between them costs are interpolated, beyond them proportional
  /// The same for few tokens and models so small that their weights stay in a cache: then a dense product does not
  /// wait for the memory. For more tokens than the last of them it makes no difference.
  std::vector<KernelCost> cached_points;

  /// The cheapest kernel for `tokens` tokens. Something else than dense is chosen only where it promises to save a
  /// tenth.
  Kernel choose(std::size_t tokens, std::size_t in, std::size_t out, std::size_t nonzeros, bool cached = false) const;
  double nanoseconds(Kernel kernel, std::size_t tokens, std::size_t in, std::size_t out, std::size_t nonzeros,
                     bool cached = false) const;
};

/// Figures for a machine that was never measured.
KernelCosts standard_kernel_costs();
/// Measures this machine, some seconds. `progress` gets the share that is done. Throws Interrupted.
KernelCosts measure_kernel_costs(const Context& context = {});

/// Where they are kept: $XDG_CACHE_HOME/pare or ~/.cache/pare, kernel-costs.json; empty without a home.
std::filesystem::path kernel_costs_path();
/// Those kept there for the instruction set in use and this number of threads (0: one per core); nullopt if there are
/// none or they cannot be read.
std::optional<KernelCosts> kept_kernel_costs(const Context& context = {});
/// Throws Error.
void keep_kernel_costs(const KernelCosts& costs);

}  // namespace pare
