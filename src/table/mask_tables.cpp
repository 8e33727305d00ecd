#include <fmt/format.h>

#include "pare/results.h"
#include "table/wording.h"

namespace pare {
namespace {

std::vector<Cell> agreement_row(const MaskAgreement& agreement, std::string name) {
  return {std::move(name),
          agreement.elements,
          Share{agreement.kept_first, agreement.elements},
          Share{agreement.kept_second, agreement.elements},
          agreement.kept_both,
          agreement.only_first(),
          agreement.only_second(),
          agreement.jaccard()};
}

Table agreement_table(const std::string& key, const std::vector<MaskAgreement>& rows) {
  Table table;
  table.columns = {{key, key, true, true},
                   {"weights", "weights"},
                   {"kept_a_percent", "kept in A"},
                   {"kept_b_percent", "kept in B"},
                   {"kept_both", "in both"},
                   {"only_a", "only A"},
                   {"only_b", "only B"},
                   {"jaccard", "Jaccard"}};
  for (const MaskAgreement& row : rows) table.rows.push_back(agreement_row(row, row.name));
  return table;
}

void add_names(std::vector<std::string>& items, const std::vector<std::string>& names, std::string_view where) {
  constexpr std::size_t kMostNames = 3;
  if (!names.empty())
    items.push_back(fmt::format("{} only in {}, not compared: {}", table::plural(names.size(), "tensor"), where,
                                table::enumeration(names, kMostNames)));
}

}  // namespace

std::string mask_text(const MaskComparison& comparison, Markup markup, bool by_tensor) {
  Document document(markup);
  document.list({"A is " + comparison.first, "B is " + comparison.second});
  Table table = by_tensor ? agreement_table("tensor", comparison.tensors) : agreement_table("layer", comparison.layers);
  table.rows.push_back(agreement_row(comparison.overall, "overall"));
  document.table(table);
  std::vector<std::string> items;
  add_names(items, comparison.only_first, "A");
  add_names(items, comparison.only_second, "B");
  if (!items.empty()) document.list(items);
  return document.text();
}

Table mask_csv_table(const MaskComparison& comparison) { return agreement_table("tensor", comparison.tensors); }

}  // namespace pare
