#include "cli/inspect_output.h"

#include <algorithm>
#include <iterator>

#include "cli/arguments.h"
#include "cli/print_as.h"
#include "pare/json.h"
#include "pare/results.h"

namespace pare::cli {
namespace {

std::vector<Rows> rows_asked(const std::vector<std::string>& names) {
  constexpr Rows kAll[] = {Rows::kOverall, Rows::kGroups, Rows::kLayers, Rows::kTensors};
  std::vector<Rows> rows;
  for (const std::string& name : split("--rows", names)) {
    const std::size_t index = choose("--rows", name, {"overall", "groups", "layers", "tensors", "all"});
    if (index == std::size(kAll))
      rows.insert(rows.end(), std::begin(kAll), std::end(kAll));
    else
      rows.push_back(kAll[index]);
  }
  return rows;
}

}  // namespace

void add_inspect_output(Command& command, InspectOutput& output) {
  command
      .add_option("--rows", output.rows,
                  "Tables to show: overall, groups, layers, tensors or all (default: a\n"
                  "summary; csv: tensors; json always contains everything)")
      ->type_name("KIND,...")
      ->allow_extra_args(false)
      ->group("Output");
  add_format(command, output.format);
}

void check_inspect_output(const InspectOutput& output) {
  format_of(output.format);
  rows_asked(output.rows);
}

bool shows_tensors(const InspectOutput& output) {
  const Format format = format_of(output.format);
  const std::vector<Rows> rows = rows_asked(output.rows);
  return format == Format::kJson || (format == Format::kCsv && rows.empty()) ||
         std::find(rows.begin(), rows.end(), Rows::kTensors) != rows.end();
}

void print_inspections(const InspectOutput& output, const std::vector<Model>& models,
                       const std::vector<Inspection>& inspections, bool quiet) {
  const Format format = format_of(output.format);
  std::vector<Rows> rows = rows_asked(output.rows);
  if (format == Format::kCsv) {
    for (const Model& model : models) print_notes(model, quiet);
    if (rows.empty()) rows.push_back(Rows::kTensors);
  }
  print_as(format,
           {[&](Markup markup) { return inspect_text(models, inspections, rows, markup); },
            [&] { return inspect_csv_table(inspections, rows); }, [&] { return inspect_json(models, inspections); }});
}

}  // namespace pare::cli
