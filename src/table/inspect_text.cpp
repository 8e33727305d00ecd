#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "table/inspect_tables.h"
#include "table/wording.h"

namespace pare {
namespace table {

std::vector<std::string> model_remarks(const Model& model, const std::vector<LeftOut>& left_out) {
  std::vector<std::string> remarks = model.notes;
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const LeftOut& entry : left_out) by_reason[entry.reason].push_back(entry.name);
  for (const auto& [reason, names] : by_reason)
    remarks.push_back(fmt::format("left out: {} ({})", enumeration(names, 3), reason));
  return remarks;
}

}  // namespace table
namespace {

/// "GPT2Model: 124,439,808 parameters in 148 tensors, F32; 548.1 MB on disk".
std::string headline(const Model& model, const Inspection& inspection) {
  const InspectRow& all = inspection.overall;
  std::string text =
      fmt::format("{}: {} in {}, {}", model.architecture, table::plural(all.stats.count, "parameter"),
                  table::plural(all.tensors, "tensor"), all.dtype == "mixed" ? "mixed dtypes" : all.dtype);
  if (all.stats.count != model.parameter_count())
    text += fmt::format(" (of {} in {})", count_text(model.parameter_count()), count_text(model.parameters.size()));
  return text + fmt::format("; {} on disk", bytes_text(model.checkpoint.bytes_on_disk()));
}

/// Rows in the plural, for headings: "By tensor".
std::string by_title(Rows rows) {
  switch (rows) {
    case Rows::kTensors:
      return "By tensor";
    case Rows::kGroups:
      return "By group";
    case Rows::kLayers:
      return "By layer";
    case Rows::kOverall:
      break;
  }
  return "Overall";
}

void add_rows(Document& document, std::span<const Inspection> inspections, Rows rows) {
  const bool empty = std::all_of(inspections.begin(), inspections.end(), [&](const Inspection& inspection) {
    return table::rows_of(inspection, rows).empty();
  });
  if (empty) return;
  if (rows == Rows::kOverall) return document.table(overall_table(inspections));
  if (inspections.size() == 1) return document.table(rows_table(inspections.front(), rows));
  const InspectOptions& options = inspections.front().options;
  document.heading(fmt::format("{}: {}", by_title(rows), measure_title(options)));
  document.table(side_by_side_table(inspections, rows));
}

void add_standouts(Document& document, const Inspection& inspection, bool titled) {
  const std::string whose = titled ? inspection.title + ": " : "";
  const std::string share = measure_title(inspection.options);
  if (!inspection.spreads.empty()) {
    document.heading(fmt::format("{}How much {} varies between layers", whose, share));
    document.table(spread_table(inspection));
  }
  if (!inspection.largest.empty()) {
    document.heading(whose + "The largest");
    document.table(largest_table(inspection));
  }
}

/// Tables that the usual view does not contain.
std::string hint(std::span<const Inspection> inspections) {
  std::size_t tensors = 0;
  for (const Inspection& inspection : inspections) tensors = std::max<std::size_t>(tensors, inspection.overall.tensors);
  return fmt::format("--rows tensors shows {}", tensors == 1 ? "the tensor" : fmt::format("all {} tensors", tensors));
}

}  // namespace

std::string inspect_text(std::span<const Model> models, std::span<const Inspection> inspections,
                         std::span<const Rows> kinds, Markup markup) {
  constexpr Rows kCustomary[] = {Rows::kOverall, Rows::kGroups, Rows::kLayers};
  Document document(markup);
  for (std::size_t i = 0; i < inspections.size(); ++i) {
    document.heading(inspections[i].title, 1);
    document.paragraph(headline(models[i], inspections[i]));
    document.list(table::model_remarks(models[i], inspections[i].left_out));
  }
  for (const Rows rows : kinds.empty() ? std::span<const Rows>(kCustomary) : kinds)
    add_rows(document, inspections, rows);
  if (!kinds.empty()) return document.text();
  for (const Inspection& inspection : inspections) add_standouts(document, inspection, inspections.size() > 1);
  if (markup == Markup::kText) document.paragraph(hint(inspections));
  return document.text();
}

}  // namespace pare
