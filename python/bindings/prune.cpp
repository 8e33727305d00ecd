// Model.prune(), save() and pack().
#include "pare/prune.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "call.h"
#include "options.h"
#include "pare/calibrate.h"
#include "pare/convert.h"
#include "pare/error.h"
#include "pare/json.h"
#include "pare/mask_file.h"
#include "pare/pack.h"
#include "pare/results.h"
#include "text.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

/// A plan with the model that it is for.
struct Plan {
  Model model;
  PrunePlan plan;
};

Plan planned(const Model& model, const Options& options, unsigned threads, const nb::object& progress) {
  const PruneOptions pruning = prune_options(options);
  const CalibrationOptions calibration = calibration_of(options, pruning.seed);
  return call(threads, progress, [&](const Context& context) {
    const bool calibrated =
        is_calibrated(pruning.criterion) || pruning.refit || calibration.allocation != AllocationKind::kUniform;
    return Plan{model, calibrated ? plan_calibrated(model, pruning, calibration, context)
                                  : plan_pruning(model, pruning, context)};
  });
}

/// Returns (JSON, text, Markdown).
Document summarized(const Plan& plan, const std::vector<std::string>& directories, unsigned threads) {
  const PruneSummary summary = call(threads, nb::none(), [&](const Context& context) {
    return summarize(plan.model, plan.plan, directories, context);
  });
  return Document(nb::make_tuple(text(prune_json(summary)), text(prune_text(summary, Markup::kText)),
                                 text(prune_text(summary, Markup::kMarkdown))));
}

Model pruned(const Plan& plan, std::size_t level, unsigned threads, const nb::object& progress) {
  if (level >= plan.plan.levels.size()) throw nb::index_error("there is no such level");
  return call(threads, progress, [&](const Context& context) {
    Model result = pruned_model(plan.model, plan.plan, level, context);
    result.title += " at " + level_title(plan.plan.levels[level].amount);
    return result;
  });
}

/// Returns the directory of each level.
std::vector<std::string> written(const Plan& plan, const std::string& out, bool force, unsigned threads,
                                 const nb::object& progress) {
  check_output_apart(out, plan.model);
  run_without_lock(threads, progress,
                   [&](const Context& context) { write_pruned(plan.model, plan.plan, out, {force}, context); });
  std::vector<std::string> directories;
  for (std::size_t i = 0; i < plan.plan.levels.size(); ++i)
    directories.push_back(level_directory(plan.plan, i, out).string());
  return directories;
}

void mask_written(const Plan& plan, std::size_t level, const std::string& out, bool force, unsigned threads,
                  const nb::object& progress) {
  if (level >= plan.plan.levels.size()) throw nb::index_error("there is no such level");
  check_output_apart(out, plan.model);
  run_without_lock(threads, progress,
                   [&](const Context& context) { write_mask(plan.model, plan.plan, level, out, force, context); });
}

void levels_written(const Plan& plan, std::size_t level, const std::string& out, bool force) {
  if (level >= plan.plan.levels.size()) throw nb::index_error("there is no such level");
  check_output_apart(out, plan.model);
  const std::vector<PruneSet>& sets = plan.plan.levels[level].sets;
  if (sets.empty()) throw Error(ErrorCode::kArgument, "no allocation has made the levels of matrices differ");
  write_levels(sets, out, force);
}

void mask_of_model_written(const Model& model, const Options& options, const std::string& out, bool force,
                           unsigned threads, const nb::object& progress) {
  const PruneOptions filters = prune_options(options);
  check_output_apart(out, model);
  run_without_lock(threads, progress, [&](const Context& context) { write_mask(model, filters, out, force, context); });
}

/// Returns notes and the names of linears that no token reached.
std::pair<std::vector<std::string>, std::vector<std::string>> statistics_written(
    const Model& model, const Options& options, const std::string& out, bool norms_only, bool force, unsigned threads,
    const nb::object& progress) {
  std::uint64_t seed = 0;
  take(options, "seed", seed);
  const CalibrationOptions calibration = calibration_of(options, seed);
  check_output_apart(out, model);
  const StatisticsSummary summary = call(threads, progress, [&](const Context& context) {
    return write_statistics(model, calibration, out, {norms_only, force}, context);
  });
  return {summary.notes, summary.unseen};
}

/// Returns (JSON, text, Markdown).
Document masks_compared(const std::string& first, const std::string& second, unsigned threads,
                        const nb::object& progress) {
  const MaskComparison comparison =
      call(threads, progress, [&](const Context& context) { return compare_masks(first, second, {}, context); });
  return Document(nb::make_tuple(text(mask_json(comparison)), text(mask_text(comparison, Markup::kText)),
                                 text(mask_text(comparison, Markup::kMarkdown))));
}

void saved(const Model& model, const std::string& out, bool force, unsigned threads, const nb::object& progress) {
  check_output_apart(out, model);
  run_without_lock(threads, progress, [&](const Context& context) { write_converted(model, out, {force}, context); });
}

/// Returns (JSON, text, Markdown). Without `out`, nothing is written.
Document packed(const Model& model, const std::string& out, bool zstd, const std::string& encoding, bool force,
                unsigned threads, const nb::object& progress) {
  PackOptions options{zstd, std::nullopt, force};
  if (!encoding.empty()) {
    options.encoding = parse_encoding(encoding);
    if (!options.encoding) throw Error(ErrorCode::kArgument, "encoding: unknown encoding '" + encoding + "'");
  }
  if (!out.empty()) check_output_apart(out, model);
  const PackSummary summary = call(threads, progress, [&](const Context& context) {
    return out.empty() ? plan_packing(model, options, context) : write_packed(model, out, options, context);
  });
  return Document(nb::make_tuple(text(pack_json(model, summary, out)),
                                 text(pack_text(model, summary, out, Markup::kText)),
                                 text(pack_text(model, summary, out, Markup::kMarkdown))));
}

std::vector<std::string> labels_of(const Plan& plan) {
  std::vector<std::string> labels;
  for (const LevelPlan& level : plan.plan.levels) labels.push_back(level.amount.label);
  return labels;
}

}  // namespace

void bind_prune(nb::module_& module) {
  nb::class_<Plan>(module, "Plan")
      .def("labels", labels_of)
      .def("summary", summarized, nb::arg("directories"), nb::arg("threads"))
      .def("model", pruned, nb::arg("level"), nb::arg("threads"), nb::arg("progress").none())
      .def("write", written, nb::arg("out"), nb::arg("force"), nb::arg("threads"), nb::arg("progress").none())
      .def("write_mask", mask_written, nb::arg("level"), nb::arg("out"), nb::arg("force"), nb::arg("threads"),
           nb::arg("progress").none())
      .def("write_levels", levels_written, nb::arg("level"), nb::arg("out"), nb::arg("force"));
  module.def("prune", planned, nb::arg("model"), nb::arg("options"), nb::arg("threads"), nb::arg("progress").none());
  module.def("write_mask", mask_of_model_written, nb::arg("model"), nb::arg("options"), nb::arg("out"),
             nb::arg("force"), nb::arg("threads"), nb::arg("progress").none());
  module.def("write_statistics", statistics_written, nb::arg("model"), nb::arg("options"), nb::arg("out"),
             nb::arg("norms_only"), nb::arg("force"), nb::arg("threads"), nb::arg("progress").none());
  module.def("compare_masks", masks_compared, nb::arg("first"), nb::arg("second"), nb::arg("threads"),
             nb::arg("progress").none());
  module.def("save", saved, nb::arg("model"), nb::arg("out"), nb::arg("force"), nb::arg("threads"),
             nb::arg("progress").none());
  module.def("pack", packed, nb::arg("model"), nb::arg("out"), nb::arg("zstd"), nb::arg("encoding"), nb::arg("force"),
             nb::arg("threads"), nb::arg("progress").none());
}

}  // namespace pare::python
