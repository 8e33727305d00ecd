// evaluate, sensitivity, bench and report: (JSON, text, Markdown) of the command line.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <vector>

#include "bindings.h"
#include "call.h"
#include "options.h"
#include "pare/bench.h"
#include "pare/error.h"
#include "pare/eval.h"
#include "pare/json.h"
#include "pare/report.h"
#include "pare/results.h"
#include "pare/sensitivity.h"
#include "text.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

/// Zeros among the weights that pruning takes by default; empty for a model without any.
Share sparsity_of(const Model& model, const Context& context) {
  bool prunable = false;
  for (const Parameter& parameter : model.parameters) prunable |= parameter.prunable;
  if (!prunable) return {};
  PruneOptions options;
  options.levels = {Amount::percent("0")};
  const PrunePlan plan = plan_pruning(model, options, context);
  Share share{0, plan.candidates};
  for (const std::uint64_t zeros : plan.zeros_before) share.part += zeros;
  return share;
}

Document evaluated(const Model& model, const Options& options, const Model* reference, unsigned threads,
                   const nb::object& progress) {
  EvalOptions eval = eval_options(options);
  eval.reference = reference;
  EvalResults results{eval.task, eval.data.string(), reference == nullptr ? "" : reference->title, {}};
  results.rows.push_back(call(threads, progress, [&](const Context& context) {
    const Share sparsity = sparsity_of(model, context.with_progress({}));
    return EvalRow{model.title, {}, sparsity, evaluate(model, eval, context)};
  }));
  return Document(nb::make_tuple(text(eval_json(results)), text(eval_text(results, Markup::kText)),
                                 text(eval_text(results, Markup::kMarkdown))));
}

UnitKind unit_of(const std::string& name) {
  if (name == "layer") return UnitKind::kLayer;
  if (name == "group") return UnitKind::kGroup;
  if (name == "tensor") return UnitKind::kTensor;
  throw Error(ErrorCode::kArgument, "by: '" + name + "' is not one of layer, group, tensor");
}

/// `target`: fraction to prune, or a negative number; `write`: a levels file for prune(), or nothing.
Document sensitivity(const Model& model, const Options& options, const std::string& by, double target, unsigned rounds,
                     const std::string& write, bool force, unsigned threads, const nb::object& progress) {
  SensitivityOptions chosen;
  std::string statistics;
  chosen.eval = eval_options(options);
  chosen.unit = unit_of(by);
  const PruneOptions pruning = prune_options(options);
  chosen.levels = pruning.levels;
  chosen.criterion = pruning.criterion;
  chosen.refit = pruning.refit;
  take(options, "statistics", statistics);
  chosen.statistics = statistics;
  SensitivityResults results{model.title, std::string(task_name(chosen.eval.task)), chosen.eval.data.string(), {}, 0,
                             {}};
  run_without_lock(threads, progress, [&](const Context& context) {
    const bool allocates = target >= 0;
    results.sensitivity = measure_sensitivity(model, chosen, allocates ? context.part(0, 0.5) : context);
    if (!allocates) return;
    results.target = target;
    results.allocations = allocate(model, results.sensitivity, chosen, {target, rounds}, context.part(0.5, 1));
  });
  if (!write.empty()) write_levels(results.allocations.back().sets, write, force);
  return Document(nb::make_tuple(text(sensitivity_json(results)), text(sensitivity_text(results, Markup::kText)),
                                 text(sensitivity_text(results, Markup::kMarkdown))));
}

Document benched(const Model& model, const Options& options, unsigned threads, const nb::object& progress) {
  const BenchOptions bench = bench_options(options);
  const std::vector<BenchResult> results{
      call(threads, progress, [&](const Context& context) { return measure_speed(model, bench, context); })};
  return Document(nb::make_tuple(text(bench_json(results)), text(bench_text(results, Markup::kText)),
                                 text(bench_text(results, Markup::kMarkdown))));
}

/// Returns the path of report.md.
nb::str reported(const std::vector<Model>& models, const std::string& out, const Options& options, unsigned threads,
                 const nb::object& progress) {
  const ReportOptions report = report_options(options);
  for (const Model& model : models) check_output_apart(out, model);
  return text(call(threads, progress, [&](const Context& context) {
                return write_report(models, out, report, context);
              }).string());
}

}  // namespace

void bind_study(nb::module_& module) {
  module.def("evaluate", evaluated, nb::arg("model"), nb::arg("options"), nb::arg("reference").none(),
             nb::arg("threads"), nb::arg("progress").none());
  module.def("sensitivity", sensitivity, nb::arg("model"), nb::arg("options"), nb::arg("by"), nb::arg("target"),
             nb::arg("rounds"), nb::arg("write"), nb::arg("force"), nb::arg("threads"), nb::arg("progress").none());
  module.def("bench", benched, nb::arg("model"), nb::arg("options"), nb::arg("threads"), nb::arg("progress").none());
  module.def("report", reported, nb::arg("models"), nb::arg("out"), nb::arg("options"), nb::arg("threads"),
             nb::arg("progress").none());
}

}  // namespace pare::python
