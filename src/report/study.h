// The study of one model: everything measured once, for the report's texts, tables, charts and JSON.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pare/bench.h"
#include "pare/inspect.h"
#include "pare/model.h"
#include "pare/prune.h"
#include "pare/report.h"
#include "pare/table.h"
#include "report/pruned_figures.h"
#include "report/task_curve.h"

namespace pare::report {

/// The pruned weights of one layer, or of all tensors outside any layer (layer -1).
struct LayerSparsity {
  std::string name, stack;
  int layer = -1;
  std::vector<std::size_t> members;  ///< indices into Inspection::tensors
  std::vector<Share> levels;         ///< zeros of all its pruned weights, one per level
};

struct Step {
  std::string name;
  double seconds = 0;
};

/// One pattern at one level, for comparison with others.
struct PatternRow {
  Pattern pattern;
  Amount level;
  std::uint64_t pruned = 0;
  Share sparsity;                  ///< zeros among the weights that pruning covers
  double squares_left = 0;         ///< share of the sum of their squares
  std::vector<Evaluation> scores;  ///< one for each of the study's tasks that suits the model
};

/// One criterion at one level, for comparison with others.
struct MethodRow {
  Criterion criterion;
  Amount level;
  Share sparsity = {};                  ///< zeros among the weights that pruning covers
  Share least = {}, most = {};          ///< the same of the layers with the least and the most of them; 0 of 0 if none
  double seconds = 0;                   ///< to choose and change the weights, calibration included
  std::uint64_t memory = 0;             ///< by how many bytes the process grew meanwhile, mapped files included
  std::vector<Evaluation> scores = {};  ///< one for each of the study's tasks that suits the model
};

struct Methods {
  std::vector<MethodRow> rows;  ///< by level, then in the order of ReportOptions::compared_criteria
  std::optional<CalibrationRecord> calibration;
  std::vector<std::string> notes;
  std::string left_out;  ///< why there are no rows although they were requested
};

struct Study {
  const Model* model = nullptr;
  std::string slug;  ///< the title as a file name
  Inspection inspection;
  Histogram histogram;         ///< the study's: 50 bins of 0.1 from 0
  Histogram pruned_histogram;  ///< the same of the tensors that the plan prunes
  std::vector<Sketch> sketches;
  PrunePlan plan;
  std::vector<bool> pruned;           ///< one per Inspection::tensors: whether the plan prunes it
  std::vector<LevelFigures> levels;   ///< one per PrunePlan::levels
  std::vector<LayerSparsity> layers;  ///< by stack, then layer; tensors outside any layer come last
  std::vector<TaskCurve> tasks;       ///< one per ReportOptions::evals
  std::vector<PatternRow> patterns;   ///< by level, unstructured first
  Methods methods;
  std::optional<BenchResult> bench;  ///< levels[0] is the unpruned model
  std::string bench_left_out;        ///< why there is none although it was requested
  std::vector<Step> steps;

  /// Share of big parameters before any pruning, and after a level, in the report's measure.
  Share before() const;
  Share after(std::size_t level) const;
  /// Zeros among the weights that the plan prunes.
  Share sparsity(std::size_t level) const;
  /// Zeros of one tensor after a level.
  Share tensor_sparsity(std::size_t level, std::size_t tensor) const;
};

/// File names for titles. Letters, digits, '.', '_' and '-' remain; runs of other characters become '-'. If two are
/// equal (ignoring case), the later one gets a number. Never empty, never hidden.
std::vector<std::string> file_slugs(const std::vector<std::string>& titles);

/// Measures `model` and plans its pruning. Throws Error if nothing in it can be measured or pruned; Interrupted.
Study make_study(const Model& model, const ReportOptions& options, const Context& context);

}  // namespace pare::report
