#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pare/results.h"
#include "table/wording.h"

namespace pare {
namespace {

/// Groups of 2:4 along the inputs that hold it.
Share two_of_four(const MatrixCheck& matrix) {
  for (const PatternShare& share : matrix.along_inputs)
    if (share.pattern == Pattern{Pattern::Kind::kNOfM, 2, 4}) return {share.complying, share.groups};
  return {};
}

std::vector<Cell> check_row(const TensorCheck& tensor, bool for_people) {
  std::vector<Cell> row{tensor.name, tensor.elements};
  if (for_people)
    row.emplace_back(Share{tensor.zeros, tensor.elements});
  else
    row.insert(row.end(), {Cell(tensor.zeros), Cell(Share{tensor.zeros, tensor.elements})});
  if (tensor.matrix) {
    const std::optional<Pattern> pattern = tensor.matrix->pattern();
    row.emplace_back(pattern ? pattern->text() : std::string());
    row.emplace_back(two_of_four(*tensor.matrix));
    row.insert(row.end(), {Cell(tensor.matrix->dead_outputs), Cell(tensor.matrix->dead_inputs)});
  } else {
    row.resize(row.size() + 4);
  }
  row.emplace_back(tensor.negative_zeros);
  if (for_people)
    row.emplace_back(tensor.nans + tensor.infinities);
  else
    row.insert(row.end(), {Cell(tensor.nans), Cell(tensor.infinities)});
  return row;
}

std::vector<Column> check_columns(bool for_people) {
  std::vector<Column> columns{{"tensor", "tensor", true, true}, {"parameters", "parameters"}};
  if (!for_people) columns.push_back({"zeros", "zeros"});
  columns.push_back({"zeros_percent", "zeros"});
  columns.push_back({"pattern", "N:M", true});
  columns.push_back({"groups_2_4_percent", "groups of 2:4"});
  columns.push_back({"dead_outputs", "dead outputs"});
  columns.push_back({"dead_inputs", "dead inputs"});
  columns.push_back({"negative_zeros", "-0"});
  if (for_people) {
    columns.push_back({"not_finite", "NaN, inf"});
  } else {
    columns.push_back({"nan", "nan"});
    columns.push_back({"inf", "inf"});
  }
  return columns;
}

/// Matrices with zeros, and every tensor that a finding is about.
Table people_table(const ModelCheck& check) {
  std::set<std::string> named;
  for (const Finding& finding : check.findings) named.insert(finding.tensors.begin(), finding.tensors.end());
  Table table{check_columns(true), {}};
  for (const TensorCheck& tensor : check.tensors)
    if ((tensor.matrix && tensor.zeros != 0) || named.contains(tensor.name))
      table.rows.push_back(check_row(tensor, true));
  return table;
}

std::string finding_text(const Finding& finding) {
  constexpr std::size_t kMostNames = 3;
  if (finding.tensors.empty()) return fmt::format("{}: {}", finding_name(finding.kind), finding.text);
  return fmt::format("{}: {}, in {}: {}", finding_name(finding.kind), finding.text,
                     table::plural(finding.tensors.size(), "tensor"), table::enumeration(finding.tensors, kMostNames));
}

}  // namespace

std::string check_text(const ModelCheck& check, Markup markup) {
  Document document(markup);
  document.heading(check.title, 1);
  const Table table = people_table(check);
  const auto sparse = std::count_if(check.tensors.begin(), check.tensors.end(),
                                    [](const TensorCheck& tensor) { return tensor.matrix && tensor.zeros != 0; });
  document.paragraph(fmt::format("{}: {} checked, {} of them sparse weights of linears", check.architecture,
                                 table::plural(check.tensors.size(), "tensor"), sparse));
  if (!table.rows.empty()) document.table(table);
  if (check.findings.empty()) {
    document.paragraph("Nothing found.");
    return document.text();
  }
  std::vector<std::string> items;
  for (const Finding& finding : check.findings) items.push_back(finding_text(finding));
  document.list(items);
  return document.text();
}

Table check_csv_table(const ModelCheck& check) {
  Table table{check_columns(false), {}};
  for (const TensorCheck& tensor : check.tensors) table.rows.push_back(check_row(tensor, false));
  return table;
}

}  // namespace pare
