// Checks of a sparse checkpoint: whether its zeros are where hardware, kernels and its own records expect them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pare/model.h"
#include "pare/prune.h"

namespace pare {

/// How many groups of a matrix an N:M pattern holds for: of every M consecutive weights along an axis, at most N are
/// not zero; of r < M at the end of the axis at most ceil(N * r / M).
struct PatternShare {
  Pattern pattern;
  std::uint64_t groups = 0, complying = 0;

  bool holds() const noexcept { return complying == groups; }
};

/// What is known of the weight matrix of a linear, or of all matrices of a tensor of experts together.
struct MatrixCheck {
  std::uint64_t outputs = 0, inputs = 0;            ///< y = Wx: number of each, over all experts
  std::uint64_t dead_outputs = 0, dead_inputs = 0;  ///< those whose weights are all zero
  /// Along the input axis, over which the product sums and along which hardware needs a pattern; and along the other.
  /// The same patterns in both: 1:2, 1:4, 2:4 and so on up to 16:32, then those that records of the model name.
  std::vector<PatternShare> along_inputs, along_outputs;

  /// The pattern of the fewest weights that holds for all groups along the inputs; nullopt if none does.
  std::optional<Pattern> pattern() const;
};

struct TensorCheck {
  std::string name;
  std::string dtype;
  std::uint64_t elements = 0;
  std::uint64_t zeros = 0;           ///< of either sign
  std::uint64_t negative_zeros = 0;  ///< bytes that pack and masks of nonzero bits would keep
  std::uint64_t nans = 0, infinities = 0;
  std::optional<MatrixCheck> matrix;  ///< of a linear; nullopt for others, and for rows of more than 2^24 weights
};

enum class FindingKind : std::uint8_t {
  kNegativeZeros,  ///< zeros stored as -0
  kNotFinite,      ///< NaN or infinities
  kDeadOutputs,    ///< outputs whose weights are all zero
  kDeadInputs,     ///< inputs whose weights are all zero
  kAlmostPattern,  ///< at least 90 % of the groups hold an N:M pattern whose share of zeros the tensor has, but not all
  kWrongAxis,      ///< such a pattern holds along the outputs only
  kLeftoverMask,   ///< weight_orig or weight_mask of torch.nn.utils.prune is still there
  kConfig,         ///< config.json contradicts the tensors
  kRecord,         ///< pare.json contradicts the tensors
};
/// "negative-zeros", "not-finite", "dead-outputs", "dead-inputs", "almost-pattern", "wrong-axis", "leftover-mask",
/// "config", "record".
std::string_view finding_name(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind = FindingKind::kConfig;
  std::string text;                  ///< a sentence without the names of tensors
  std::vector<std::string> tensors;  ///< those that it is about, in model order; may be empty
};

struct ModelCheck {
  std::string title, source, architecture;
  std::vector<TensorCheck> tensors;  ///< in named_parameters() order
  std::vector<Finding> findings;     ///< by kind
};

/// Checks the parameters that include, exclude and groups of `options` select; without them all of those that can be
/// measured. Reads each byte once. The result does not depend on the number of threads. Throws Error if
/// nothing is selected or config.json cannot be read; Interrupted.
ModelCheck check_model(const Model& model, const PruneOptions& options = {}, const Context& context = {});

}  // namespace pare
