// What pruning each part alone does, and the levels made from it: tables, JSON.
#pragma once

#include <string>
#include <vector>

#include "pare/sensitivity.h"
#include "table/table.h"
#include "table/table_document.h"

namespace pare::report {

struct SensitivityResults {
  std::string model, task, data;
  Sensitivity sensitivity;
  double target = 0;                    ///< of the allocations
  std::vector<Allocation> allocations;  ///< empty if none were asked for
};

std::string sensitivity_text(const SensitivityResults& results, Markup markup);
/// A row for each unit, in model order, in full precision.
Table sensitivity_csv_table(const SensitivityResults& results);
std::string sensitivity_json(const SensitivityResults& results);

}  // namespace pare::report
