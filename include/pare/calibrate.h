// Pruning that looks at what a model computes: criteria that need the inputs of every linear on some text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pare/model.h"
#include "pare/prune.h"

namespace pare {

/// How the weights to prune are divided among the linears.
enum class AllocationKind : std::uint8_t {
  kUniform,  ///< the same level for each
  /// Layers with a larger share of outliers, weights whose |w| times the norm of their input is far above the layer's
  /// mean, have lower levels (OWL: Yin et al. 2024).
  kOwl,
  /// Linears whose pruning changes the model's predictions more have lower levels: each linear alone is pruned to 50 %,
  /// and the change of the logits is measured. It is taken to be proportional to the squared error of the linear's
  /// outputs, which is measured at several levels, and to add up over the linears.
  kSecondOrder,
};
/// "uniform", "owl", "second-order".
std::string_view allocation_name(AllocationKind allocation) noexcept;

/// How fast a model was run to gather what its linears read.
struct CalibrationSpeed {
  double seconds = 0;  ///< of running the model and of adding up its inputs, without choosing and fitting weights
  /// Operations of linears, and of the products of their inputs where the criterion needs them. A multiplication and an
  /// addition count as two; a product of inputs counts once for each pair of inputs. Attention is not counted.
  double operations = 0;
};

/// The text on which the inputs of linears are gathered, and how.
struct CalibrationOptions {
  /// A UTF-8 text file, or JSON lines with a string "text" each (by the name's ending: .jsonl), which are joined by
  /// blank lines; for an encoder-decoder also a .tsv file whose first line names the columns "source" and "target".
  std::filesystem::path data;
  std::size_t sequences = 128;  ///< number of windows of tokens, each of which begins at a random place of the text
  std::size_t length = 2048;    ///< tokens of a window; a model with fewer positions and a shorter text bound it
  std::uint64_t seed = 0;       ///< of the places
  /// For unstructured pruning to levels by a calibrated criterion; others must leave it uniform.
  AllocationKind allocation = AllocationKind::kUniform;
  /// Whether the linears of a layer, too, are pruned one after the other, each on what the pruned ones before it
  /// compute (see LayerStages): true_sequential of GPTQ, of SparseGPT's code and of transformers' GPTQConfig. If not,
  /// all linears of a layer are pruned on what it computes before its pruning, and it runs a second time to make the
  /// states after it: what the code of Wanda, SparseGPT and ALPS does by default.
  bool true_sequential = true;
  double owl_multiple = 5;  ///< of the layer's mean, above which OWL calls a weight an outlier
  double owl_range = 0.08;  ///< how far OWL's levels may be from the mean level
  /// If not empty: a file in which each finished layer is kept, by rank 0 of a group. A call with the same model, text,
  /// options and number of ranks that finds it goes on after the last finished layer, with the same result; anything
  /// else in it is thrown away. It stays when the call returns, because what is made of the plan may be interrupted,
  /// too: the caller removes it.
  std::filesystem::path resume;
  /// Told in a sentence what is used again of `resume`, or why nothing is.
  std::function<void(const std::string& sentence)> tell_resume = {};
  /// Told at the end, unless no layer was run; in a group of ranks what this one did.
  std::function<void(const CalibrationSpeed& speed)> tell_speed = {};
  /// If not empty: a file that write_statistics() wrote of the same model, in place of `data`, which must then be
  /// empty, as must `resume`. No text is read and the model is not run. `sequences`, `length` and `seed` are not used,
  /// and AllocationKind::kSecondOrder, which runs the model, is refused.
  std::filesystem::path statistics = {};
};

/// Whether calibrated criteria prune this parameter: the matrix of a linear inside a layer.
bool is_layer_linear(const Model& model, const Parameter& parameter);

/// Returns the weights to prune by a calibrated criterion (see is_calibrated()), or by any other criterion with
/// PruneOptions::refit; writes nothing. `model` must have its
/// tokenizer in its directory.
///
/// Layers are pruned one after the other (of an encoder-decoder, the encoder's first; without a .tsv file, it reads the
/// first half of each window and is given the second half as target), and so are the linears of a layer: the inputs of
/// those that read the same are gathered, they are pruned, and then multiply with what remains. For each level, this
/// starts from the original weights. Memory: the hidden states of all windows, which take 4 bytes for each element of
/// [windows * length, hidden size] (twice where attention and feed-forward part are parallel branches); up to 1 GiB of
/// what linears inside of a layer read (the rest is computed again); and the statistics of the linears that read the
/// same. New values of weights are in a temporary file.
///
/// Only linears inside of layers are pruned; of other parameters that `options` selects, such as a pooler or a head, a
/// note says that they are not. A linear that saw no token is pruned by magnitude, and a note says so. Levels are exact
/// for each output row (Wanda) or for each matrix (the others), and with sets (a levels file) each matrix has the level
/// of its set. Patterns: unstructured and N:M.
///
/// Throws Error: kArgument for options that do not suit the criterion, kUnsupported for models that cannot be run or
/// have weights that are not F32, F16 or BF16, and for inputs that are not finite; as open_runner(), Tokenizer::open()
/// and for data that cannot be read; kExists for a `resume` that pare did not write or that another run uses; kMismatch
/// for ranks of a group that read other data; Interrupted. The result does not depend on the number of threads. The
/// ranks of a group share the windows, and all get the same plan: sums are added up in an order that depends on the
/// number of ranks, so the result of another number differs by rounding.
///
/// With CalibrationOptions::statistics, the inputs of all layers are those of the model as it is, so that the weights
/// differ from those above, except for the linears that come first: what pruned linears pass on is not made up for. A
/// note and CalibrationRecord::statistics say so. Further errors: kNotFound, kMalformed and kUnsupported for a file
/// that does not hold what is needed, kMismatch for one of another model, kArgument in a group of processes.
PrunePlan plan_calibrated(const Model& model, const PruneOptions& options, const CalibrationOptions& calibration,
                          const Context& context = {});

struct StatisticsOptions {
  bool norms_only = false;  ///< only sums of squares, a few MB: for Criterion::kWanda without refit, and for kOwl
  bool force = false;       ///< replace an existing file
};

/// What write_statistics() wrote.
struct StatisticsSummary {
  CalibrationRecord calibration;
  std::vector<std::string> notes = {};   ///< sentences for people, e.g. about windows that are shorter than asked for
  std::vector<std::string> unseen = {};  ///< linears that no token reached, which are pruned by magnitude
};

/// Runs the model as it is on a text, once, and writes what CalibrationOptions::statistics reads, a safetensors file
/// (docs/formats.md): for each linear inside a layer, or for several that read the same, the sums over all tokens of
/// x_i^2 and of x_i x_j, as F64. Of a linear with n inputs it takes 4 n (n + 1) bytes and 8 n more. `calibration`:
/// `data`, `sequences`, `length`, `seed`. The file appears complete or not at all; the statistics of one layer are in
/// memory. The same bytes for any number of threads. Throws Error as plan_calibrated(), and kExists, kIo, kNoSpace;
/// kArgument in a group of processes; Interrupted.
StatisticsSummary write_statistics(const Model& model, const CalibrationOptions& calibration,
                                   const std::filesystem::path& path, const StatisticsOptions& options = {},
                                   const Context& context = {});

}  // namespace pare
