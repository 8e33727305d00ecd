// An inspection as people read it, and as programs read it whole.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pare/inspect.h"
#include "table/inspect_tables.h"
#include "table/table_document.h"

namespace pare::report {

/// The inspection of one model, or of several side by side. `kinds` are the tables to show; empty:
/// the customary view (overall, groups, layers, what stands out, the long tail).
/// inspections[i] is of models[i]; at least one, all with the same options.
std::string inspect_text(std::span<const Model> models, std::span<const Inspection> inspections,
                         std::span<const Rows> kinds, Markup markup);

/// All that was measured, as one JSON object; NaN and infinite figures are null.
std::string inspect_json(std::span<const Model> models, std::span<const Inspection> inspections);

/// The model's notes, and a sentence for each reason why tensors of its files were left out.
std::vector<std::string> model_remarks(const Model& model, const std::vector<LeftOut>& left_out);

}  // namespace pare::report
