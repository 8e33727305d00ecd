// Results as the JSON text that the command line prints with --format json: one object, indented by two spaces, with a
// line feed at the end. Numbers have full precision; NaN and infinities become null. Names come from files, so bytes
// that are not valid UTF-8 become U+FFFD.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pare/results.h"

namespace pare {

/// inspections[i] is the inspection of models[i]. There must be at least one, and all must have the same options.
std::string inspect_json(std::span<const Model> models, std::span<const Inspection> inspections);
/// {"models": [...]}, each with its "findings" and "tensors".
std::string check_json(std::span<const ModelCheck> checks);
std::string prune_json(const PruneSummary& summary);
std::string mask_json(const MaskComparison& comparison);
/// `directory`: where the files were written; empty for a plan.
std::string pack_json(const Model& model, const PackSummary& summary, const std::string& directory);
/// `planned`: nothing was downloaded.
std::string download_json(const HubDownload& download, bool planned);
std::string eval_json(const EvalResults& results);

/// Whether lm-evaluation-harness has the task as pare defines it: wikitext and lambada (lambada_openai).
bool has_lm_eval_task(Task task) noexcept;
/// A line for each row: the object that lm-evaluation-harness 0.4 writes to its results_*.json, with its names of tasks
/// and metrics, and what it does not have (level, sparsity, notes) under the key "pare". Throws Error for other tasks.
std::string lm_eval_json(const EvalResults& results);

std::string sensitivity_json(const SensitivityResults& results);
std::string bench_json(const std::vector<BenchResult>& results);
std::string tune_json(const KernelCosts& costs);
/// A failure: {"error": {"code": ..., "message": ..., "file": ..., "tensor": ...}}; empty `file` and `tensor` are left
/// out. `code`: error_code_name() of an Error's code, or a name that the caller chooses.
std::string error_json(std::string_view code, std::string_view message, const std::string& file = {},
                       const std::string& tensor = {});

}  // namespace pare
