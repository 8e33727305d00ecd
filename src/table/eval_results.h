// Scores of several models or levels side by side: as a table, as a document, as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pare/eval.h"
#include "table/table.h"
#include "table/table_document.h"

namespace pare::report {

/// One scored model, as it is or pruned to a level.
struct EvalRow {
  std::string model;
  std::optional<std::string> level = {};  ///< label of the amount; empty for the model as it is
  Share sparsity = {};                    ///< zeros among the weights that pruning would take
  Evaluation evaluation;
  std::optional<std::string> pattern = {};  ///< where one was asked for
};

struct EvalResults {
  Task task = Task::kPerplexity;
  std::string data;
  std::string reference = {};  ///< title of divergence's reference
  std::vector<EvalRow> rows;
};

/// What the items of a task are: "window", "page", "line", "row".
std::string_view item_name(Task task);
/// "69.00 % ± 2.07", "2.363 ± 0.011".
std::string score_text(const Score& score);
/// The value alone: "69.00 %", "2.363".
std::string score_value_text(const Score& score);

/// For people: a score with its error in one cell.
Table eval_table(const EvalResults& results);
/// For programs: a column for each number, in full precision.
Table eval_csv_table(const EvalResults& results);
std::string eval_text(const EvalResults& results, Markup markup);
std::string eval_json(const EvalResults& results);

}  // namespace pare::report
