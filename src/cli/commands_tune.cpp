// pare tune: what products cost on this machine, for the choice between dense and sparse kernels.
#include <fmt/format.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "linear/kernel_cost_json.h"
#include "pare/tune.h"
#include "table/table.h"
#include "table/table_document.h"

namespace pare::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  pare tune
      measures for some seconds, and keeps what it found for the other commands
  pare tune --threads 1 --show
      what is kept for one thread, without measuring
)";

struct Arguments {
  FormatArguments format;
  RunArguments run;
  bool show = false;
};

constexpr std::size_t kSide = 768;  // of the layer that the table is about

KernelCosts costs_of(const Arguments& arguments) {
  if (arguments.show) return kept_kernel_costs(arguments.run.threads).value_or(standard_kernel_costs());
  Progress progress("tune", arguments.run.quiet);
  const auto step = progress.steps();
  KernelCosts costs = measure_kernel_costs(arguments.run.threads, [&](double done) {
    if (step) step("timing kernels", done);
  });
  keep_kernel_costs(costs);
  return costs;
}

/// Zeros, in percent, from which a sparse kernel is taken for a square layer; 100 if it never is.
double turning_point(const KernelCosts& costs, std::size_t tokens) {
  constexpr std::size_t kWeights = kSide * kSide;
  for (std::size_t permille = 0; permille <= 1000; ++permille)
    if (costs.choose(tokens, kSide, kSide, kWeights - kWeights * permille / 1000) != Kernel::kDense)
      return static_cast<double>(permille) / 10;
  return 100;
}

report::Table table_of(const KernelCosts& costs) {
  report::Table table;
  table.columns = {{"tokens", "tokens"}, {"dense_us", "dense"}, {"sparse_from_percent", "sparse from"}};
  constexpr std::array kZeros{50, 80, 90, 95, 99};
  for (const int zeros : kZeros)
    table.columns.push_back({fmt::format("speedup_{}", zeros), fmt::format("at {} %", zeros)});
  for (const KernelCost& point : costs.points) {
    const double dense = costs.nanoseconds(Kernel::kDense, point.tokens, kSide, kSide, 0);
    std::vector<report::Cell> row{static_cast<std::uint64_t>(point.tokens), fmt::format("{:.0f} us", dense / 1000),
                                  fmt::format("{:.1f} %", turning_point(costs, point.tokens))};
    for (const int zeros : kZeros) {
      const std::size_t nonzeros = kSide * kSide * static_cast<std::size_t>(100 - zeros) / 100;
      const Kernel kernel = costs.choose(point.tokens, kSide, kSide, nonzeros);
      row.emplace_back(fmt::format(
          "{:.1f} x {}", dense / costs.nanoseconds(kernel, point.tokens, kSide, kSide, nonzeros), kernel_name(kernel)));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

using Json = nlohmann::ordered_json;

std::string json_of(const KernelCosts& costs) {
  const Json json{{"target", costs.target},
                  {"threads", costs.threads},
                  {"measured", costs.measured},
                  {"nanoseconds", linear::json_of<Json>(costs.points)},
                  {"nanoseconds_cached", linear::json_of<Json>(costs.cached_points)},
                  {"kept_in", kernel_costs_path().string()}};
  return json.dump(2) + '\n';
}

std::string text_of(const KernelCosts& costs, report::Markup markup) {
  report::Document document(markup);
  document.heading(fmt::format("Products with a {0} x {0} layer, {1} thread{2}, {3}", kSide, costs.threads,
                               costs.threads == 1 ? "" : "s", costs.target));
  document.table(table_of(costs));
  document.paragraph(costs.measured
                         ? fmt::format("Kept in {}.", kernel_costs_path().string())
                         : "Not measured on this machine; these are figures from another one. Run pare tune.");
  return document.text();
}

void run(const Arguments& arguments) {
  const Format format = format_of(arguments.format);
  const KernelCosts costs = costs_of(arguments);
  switch (format) {
    case Format::kTable:
      return print(text_of(costs, report::Markup::kText));
    case Format::kMarkdown:
      return print(text_of(costs, report::Markup::kMarkdown));
    case Format::kJson:
      return print(json_of(costs));
    case Format::kCsv:
      return print(report::to_csv(table_of(costs)));
  }
}

}  // namespace

void add_tune_command(Command& program) {
  Command command = program.add_subcommand("tune", "Time the kernels on this machine, so that layers take the fastest");
  const auto arguments = std::make_shared<Arguments>();
  command->add_flag("--show", arguments->show, "Show the stored costs without measuring")->group("Output");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace pare::cli
