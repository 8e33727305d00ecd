#include <fmt/format.h>

#include <array>

#include "pare/results.h"

namespace pare {
namespace {

constexpr std::size_t kSide = 768;  // rows and columns of the layer in the table

/// Sparsity in percent from which a sparse kernel is used for a square layer; 100 if never.
double turning_point(const KernelCosts& costs, std::size_t tokens) {
  constexpr std::size_t kWeights = kSide * kSide;
  for (std::size_t permille = 0; permille <= 1000; ++permille)
    if (costs.choose(tokens, kSide, kSide, kWeights - kWeights * permille / 1000) != Kernel::kDense)
      return static_cast<double>(permille) / 10;
  return 100;
}

}  // namespace

Table tune_table(const KernelCosts& costs) {
  Table table;
  table.columns = {{"tokens", "tokens"}, {"dense_us", "dense"}, {"sparse_from_percent", "sparse from"}};
  constexpr std::array kZeros{50, 80, 90, 95, 99};
  for (const int zeros : kZeros)
    table.columns.push_back({fmt::format("speedup_{}", zeros), fmt::format("at {} %", zeros)});
  for (const KernelCost& point : costs.points) {
    const double dense = costs.nanoseconds(Kernel::kDense, point.tokens, kSide, kSide, 0);
    std::vector<Cell> row{static_cast<std::uint64_t>(point.tokens), fmt::format("{:.0f} us", dense / 1000),
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

std::string tune_text(const KernelCosts& costs, Markup markup) {
  Document document(markup);
  document.heading(fmt::format("Products with a {0} x {0} layer, {1} thread{2}, {3}", kSide, costs.threads,
                               costs.threads == 1 ? "" : "s", costs.target));
  document.table(tune_table(costs));
  document.paragraph(costs.measured
                         ? fmt::format("Kept in {}.", kernel_costs_path().string())
                         : "Not measured on this machine; these are figures from another one. Run pare tune.");
  return document.text();
}

}  // namespace pare
