// Prints the same as `pare inspect`, as text, Markdown, CSV or JSON: print_inspection MODEL [text|markdown|csv|json]
#include <cstdio>
#include <exception>
#include <string>

#include "pare/inspect.h"
#include "pare/json.h"
#include "pare/results.h"

int main(int argc, char** argv) {
  const std::string format = argc > 2 ? argv[2] : "text";
  if (argc < 2 || (format != "text" && format != "markdown" && format != "csv" && format != "json")) {
    std::fprintf(stderr, "usage: print_inspection MODEL [text|markdown|csv|json]\n");
    return 2;
  }
  try {
    const std::vector<pare::Model> models{pare::open_model(argv[1])};
    const std::vector<pare::Inspection> inspections{pare::inspect(models.front())};
    std::string output;
    if (format == "json")
      output = pare::inspect_json(models, inspections);
    else if (format == "csv")
      output = pare::to_csv(pare::inspect_csv_table(inspections, std::vector{pare::Rows::kTensors}));
    else
      output =
          pare::inspect_text(models, inspections, {}, format == "text" ? pare::Markup::kText : pare::Markup::kMarkdown);
    std::fwrite(output.data(), 1, output.size(), stdout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
