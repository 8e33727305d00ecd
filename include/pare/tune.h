// What products cost on this machine, so that the fastest kernel can be chosen for every linear layer.
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
  kSliced,  ///< stores the nonzeros and their positions in slices of 16 outputs
  kMasked,  ///< stores the nonzeros and a bit mask of their positions; for up to 4 tokens
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

/// A model is small if its linear weights take at most this many bytes: on most machines they then stay in a
/// cache from one token to the next.
inline constexpr std::uint64_t kSmallModelBytes = std::uint64_t{1} << 24;

struct KernelCosts {
  std::string target;  ///< instruction set, e.g. "AVX3_ZEN4"
  unsigned threads = 0;
  bool measured = false;  ///< false: pare's built-in figures, measured on another machine; only their ratios are useful
  std::vector<KernelCost> points;  ///< in ascending order of `tokens`; see nanoseconds()
  /// The same for small models (see kSmallModelBytes), whose dense products do not wait for the memory. For more tokens
  /// than the last of these points, `points` are used, because it makes no difference.
  std::vector<KernelCost> cached_points;
  /// Both for weights of 16 bits (F16, BF16). If `half_points` is empty, they cost what F32 costs.
  std::vector<KernelCost> half_points, cached_half_points;

  /// Returns the fastest kernel for `tokens` tokens and an [out, in] weight matrix. A sparse kernel is chosen only if
  /// it saves more than a tenth of the dense kernel's time. `cached`: whether the model is small. `weight_bytes`: 4, or
  /// 2 for weights of 16 bits.
  Kernel choose(std::size_t tokens, std::size_t in, std::size_t out, std::size_t nonzeros, bool cached = false,
                std::size_t weight_bytes = 4) const;
  /// Returns the time of one product. It is interpolated linearly between points, and proportional to the number of
  /// tokens beyond the last point.
  double nanoseconds(Kernel kernel, std::size_t tokens, std::size_t in, std::size_t out, std::size_t nonzeros,
                     bool cached = false, std::size_t weight_bytes = 4) const;
};

/// Returns built-in costs, for a machine that was never measured.
KernelCosts standard_kernel_costs();
/// Measures the costs on this machine, which takes some seconds. Throws Interrupted.
KernelCosts measure_kernel_costs(const Context& context = {});

/// Returns the path of the file with the saved costs: kernel-costs.json in $XDG_CACHE_HOME/pare or in ~/.cache/pare.
/// Returns an empty path if neither XDG_CACHE_HOME nor HOME is set.
std::filesystem::path kernel_costs_path();
/// Returns the costs saved in that file for the instruction set in use and context.threads() threads; nullopt if there
/// are none or the file cannot be read.
std::optional<KernelCosts> kept_kernel_costs(const Context& context = {});
/// Saves costs in that file; they replace those for the same instruction set and number of threads. Throws Error if the
/// file cannot be read or written, or has no path.
void keep_kernel_costs(const KernelCosts& costs);

}  // namespace pare
