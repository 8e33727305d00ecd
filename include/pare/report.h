// The whole study of one or more models: tables, charts, pruning at every level, in one directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/bench.h"
#include "pare/eval.h"
#include "pare/model.h"
#include "pare/prune.h"
#include "pare/stats.h"

namespace pare {

struct ReportOptions {
  std::vector<Amount> levels;  ///< empty: 10, 50, 90, 95 and 99 %
  double cutoff = 0.1;
  Measure measure = Measure::kMagnitude;
  Scope scope = Scope::kGlobal;
  Schedule schedule = Schedule::kIndependent;
  Pattern pattern = {};   ///< of the levels; one that fixes its level needs none
  Norm norm = Norm::kL1;  ///< for rows, columns and blocks
  /// Patterns to put beside unstructured pruning, at the levels that those among them fix, or else at 50 %; a section
  /// of the report. Scored on the tasks of `evals`.
  std::vector<Pattern> compared_patterns;
  /// Tasks to score every model at every level on; those that make no sense for a model are left out, and the report
  /// says so.
  std::vector<EvalOptions> evals;
  /// Measure size and run time of every model at every level, too. Pruning is this struct's. A model
  /// that cannot be timed is left out there, and the report says why.
  std::optional<BenchOptions> bench;
  bool keep_models = false;  ///< write the pruned checkpoints under out/models/TITLE/
  bool force = false;        ///< replace an existing report that pare wrote
  std::string command;       ///< command line to show in the report; may be empty
};

/// Writes out/report.md, out/results.json, the PNGs under out/charts/ and, if asked for, the pruned
/// checkpoints. Everything appears at once or not at all. Returns the path of report.md.
/// Throws Error, Interrupted.
std::filesystem::path write_report(const std::vector<Model>& models, const std::filesystem::path& out,
                                   const ReportOptions& options = {}, const Context& context = {});

}  // namespace pare
