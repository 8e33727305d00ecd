// One result in the format that --format asks for.
#pragma once

#include <functional>
#include <string>

#include "cli/options.h"
#include "pare/document.h"
#include "pare/table.h"

namespace pare::cli {

/// Functions that make a result in each form. They are called at most once, and only for the format that is printed.
struct ResultForms {
  std::function<std::string(Markup)> text;  ///< --format table and markdown
  std::function<Table()> csv;
  std::function<std::string()> json;
};

/// Prints the result to standard output. Throws Error if that fails.
void print_as(Format format, const ResultForms& forms);

}  // namespace pare::cli
