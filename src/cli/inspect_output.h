// What pare inspect prints, for the commands that print it.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "pare/inspect.h"

namespace pare::cli {

class Command;

/// --rows and --format.
struct InspectOutput {
  std::vector<std::string> rows;
  FormatArguments format;
};

void add_inspect_output(Command& command, InspectOutput& output);
/// Throws UsageError for rows and formats that do not exist.
void check_inspect_output(const InspectOutput& output);
/// Whether the output has a row for each tensor, for InspectOptions::tensor_rows.
bool shows_tensors(const InspectOutput& output);
/// Prints to standard output; for csv, notes on the models to standard error unless `quiet`.
void print_inspections(const InspectOutput& output, const std::vector<Model>& models,
                       const std::vector<Inspection>& inspections, bool quiet);

}  // namespace pare::cli
