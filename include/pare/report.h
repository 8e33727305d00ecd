// The whole study of one or more models in one directory: tables, charts, and pruning at every level.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/bench.h"
#include "pare/calibrate.h"
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
  Pattern pattern = {};   ///< for all levels; an N:M pattern fixes the level and replaces `levels`
  Norm norm = Norm::kL1;  ///< for rows, columns and blocks
  /// Patterns to compare with unstructured pruning in a section of the report, on the tasks of `evals`. They are
  /// compared at the levels that the N:M patterns among them fix, or at 50 % if there is no N:M pattern.
  std::vector<Pattern> compared_patterns;
  /// Criteria to put side by side in a section of the report, at each of `levels`, with `pattern`, on the tasks of
  /// `evals`; Criterion::kMask is refused. If one is calibrated, all prune the linears of layers only. A model that one
  /// of them does not suit is left out, and the report says why.
  std::vector<Criterion> compared_criteria;
  CalibrationOptions calibration;  ///< for those that are calibrated; its seed is also that of Criterion::kRandom
  /// Tasks on which every model is scored at every level. A task that a model does not support is left out for this
  /// model, and the report says so.
  std::vector<EvalOptions> evals;
  /// If set, size and run time of every model are measured at every level. BenchOptions::pruning is ignored: levels and
  /// patterns are those of this struct. A model that cannot be timed is left out, and the report says why.
  std::optional<BenchOptions> bench;
  bool keep_models = false;  ///< write the pruned checkpoints under out/models/TITLE/
  bool force = false;        ///< replace an existing report that pare wrote
  std::string command;       ///< command line to show in the report; empty: none
};

/// Writes out/report.md, the same as a page that needs no other file in out/report.html, out/results.json, PNG files in
/// out/charts/, tables in out/tables/ and, with keep_models, the pruned checkpoints. The directory appears complete or
/// not at all. Returns the path of report.md. Throws Error if two models have the same title, if a model cannot be
/// measured or pruned, if gnuplot fails, or if `out` cannot be written; Interrupted.
std::filesystem::path write_report(const std::vector<Model>& models, const std::filesystem::path& out,
                                   const ReportOptions& options = {}, const Context& context = {});

}  // namespace pare
