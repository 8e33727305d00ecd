// Results as the tables and the text that the command line prints; json.h has them as JSON.
//
// A function that ends in _text returns the whole document. A function that ends in _csv_table returns the table that
// the command line prints as CSV: one row per measured item, in full precision, with one key per column.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pare/bench.h"
#include "pare/check.h"
#include "pare/document.h"
#include "pare/eval.h"
#include "pare/hub.h"
#include "pare/inspect.h"
#include "pare/mask_file.h"
#include "pare/model.h"
#include "pare/pack.h"
#include "pare/prune.h"
#include "pare/sensitivity.h"
#include "pare/table.h"
#include "pare/tune.h"

namespace pare {

/// "|w| > 0.1" or "outside [0, 0.1)".
std::string measure_title(Measure measure, double cutoff);
std::string measure_title(const InspectOptions& options);
/// The label of a level for people: "90 %" for percentages, other labels unchanged.
std::string level_title(std::string_view label);
std::string level_title(const Amount& amount);
/// Likewise; "as it is" for the unpruned model.
std::string level_title(const BenchLevel& level);

// pare inspect. Spans of inspections must not be empty, and all their inspections must have the same options.

/// Which rows of an Inspection.
enum class Rows : std::uint8_t { kTensors, kGroups, kLayers, kOverall };

/// The inspection of one model, or of several side by side; inspections[i] is the inspection of models[i]. `kinds`
/// are the tables to show; empty: a summary (overall, groups, layers, outlying layers, the largest parameters).
std::string inspect_text(std::span<const Model> models, std::span<const Inspection> inspections,
                         std::span<const Rows> kinds, Markup markup);
/// The columns: tensor, parameters, share_percent, then model, kind, tensors, dtype, group, stack, layer,
/// share_magnitude_percent, share_signed_percent, zeros, nan, inf, min, max, mean, std, above_C for each tail C, qP for
/// each quantile P. min and max are empty for a row without numbers.
Table inspect_csv_table(std::span<const Inspection> inspections, std::span<const Rows> kinds);
/// One line per row of one model: parameters, both shares, zeros, std, min, max, quantiles; and counts of NaN and
/// infinities if there are any.
Table rows_table(const Inspection& inspection, Rows rows);
/// The same rows of several models, with a column of shares (in the chosen measure) per model.
Table side_by_side_table(std::span<const Inspection> inspections, Rows rows);
/// The overall figures, one per line: counts and shares of one model, or a column for each of several models.
Table overall_table(std::span<const Inspection> inspections);
/// How much the share varies between layers, and which layers stand out.
Table spread_table(const Inspection& inspection);
/// The largest magnitudes and where they are.
Table largest_table(const Inspection& inspection);

// pare inspect --check.

/// The sparse matrices and the tensors that findings are about, and the findings.
std::string check_text(const ModelCheck& check, Markup markup);
/// A row per tensor.
Table check_csv_table(const ModelCheck& check);

// pare prune.

/// What pruning did, or would do. `model` and `plan` must outlive this object.
struct PruneSummary {
  const Model& model;
  const PrunePlan& plan;
  std::vector<std::string> directories;  ///< one per level; empty strings for a plan that was not written
  std::uint64_t untouched = 0;           ///< elements of measured parameters that are not pruned
  std::uint64_t untouched_zeros = 0;
};
/// Counts the zeros of the parameters that the plan does not prune. Throws Interrupted.
PruneSummary summarize(const Model& model, const PrunePlan& plan, std::vector<std::string> directories,
                       const Context& context = {});

/// `by_tensor` adds the zeros of each tensor at each level.
std::string prune_text(const PruneSummary& summary, Markup markup, bool by_tensor = false);
/// A row per level; with `by_tensor`, a row per level and tensor instead.
Table prune_csv_table(const PruneSummary& summary, bool by_tensor = false);

// pare mask compare.

/// By layer and overall; with `by_tensor`, by tensor in place of layers.
std::string mask_text(const MaskComparison& comparison, Markup markup, bool by_tensor = false);
/// A row per tensor.
Table mask_csv_table(const MaskComparison& comparison);

// pare pack.

/// `directory`: where the files were written; empty for a plan.
std::string pack_text(const Model& model, const PackSummary& summary, const std::string& directory, Markup markup);
/// A row per tensor.
Table pack_csv_table(const PackSummary& summary);
/// A row per encoding, then all of them together.
Table pack_encodings_table(const PackSummary& summary);

// pare download.

/// `planned`: nothing was downloaded.
std::string download_text(const HubDownload& download, bool planned, Markup markup);
/// A row per file.
Table download_table(const HubDownload& download);

// pare eval.

/// One scored model, unpruned or pruned to a level.
struct EvalRow {
  std::string model;
  std::optional<std::string> level = {};  ///< label of the amount; empty for the unpruned model
  Share sparsity = {};                    ///< zeros among the weights that pruning would take
  Evaluation evaluation;
  std::optional<std::string> pattern = {};  ///< set if a pattern was requested
};

/// Scores of several models or levels side by side.
struct EvalResults {
  Task task = Task::kPerplexity;
  std::string data;
  std::string reference = {};  ///< title of the reference model, for Task::kDivergence
  std::vector<EvalRow> rows;
  std::size_t limit = 0;  ///< items that were read at most; 0: all
};

std::string eval_text(const EvalResults& results, Markup markup);
/// A score and its standard error share one cell.
Table eval_table(const EvalResults& results);
/// Each score and each standard error has its own column.
Table eval_csv_table(const EvalResults& results);

// pare sensitivity.

/// What pruning each unit alone does, and the levels derived from that.
struct SensitivityResults {
  std::string model, task, data;
  Sensitivity sensitivity;
  double target = 0;                    ///< fraction of weights that the allocations prune
  std::vector<Allocation> allocations;  ///< empty if none were requested
};

std::string sensitivity_text(const SensitivityResults& results, Markup markup);
/// A row per unit, the units that tolerate pruning best first.
Table degradation_table(const SensitivityResults& results);
/// A row per unit with its level in each allocation, then the overall level and the degradation.
Table allocation_table(const SensitivityResults& results);
/// A row per unit, in model order.
Table sensitivity_csv_table(const SensitivityResults& results);

// pare bench.

std::string bench_text(const std::vector<BenchResult>& results, Markup markup);
/// A row per model and level.
Table bench_csv_table(const std::vector<BenchResult>& results);
/// Sizes of the files of each level: dense, packed, compressed.
Table sizes_table(const BenchResult& result);
/// Time and memory from opening the files to the first result.
Table load_table(const BenchResult& result);
/// Prefill times, dense and sparse.
Table prefill_table(const BenchResult& result);
/// Decode times, dense and sparse, for models that decode.
Table decode_table(const BenchResult& result);
/// Time per decoded token at the 50th, 90th and 99th percentile.
Table latency_table(const BenchResult& result);
/// Sentences that say how the figures were measured and how to read them.
std::vector<std::string> bench_remarks(const BenchResult& result);

// pare tune.

std::string tune_text(const KernelCosts& costs, Markup markup);
/// A row per number of tokens: time of a dense product, sparsity from which a sparse kernel is faster, speed-ups.
Table tune_table(const KernelCosts& costs);

}  // namespace pare
