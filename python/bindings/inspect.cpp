// Model.inspect() and Model.check(): the library's figures, as its JSON and its text.
#include "pare/inspect.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <tuple>
#include <vector>

#include "bindings.h"
#include "call.h"
#include "pare/check.h"
#include "pare/json.h"
#include "pare/results.h"
#include "text.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

using Strings = std::vector<std::string>;
/// Globs to include and to exclude, and groups.
using Filters = std::tuple<Strings, Strings, Strings>;

InspectOptions options_of(double cutoff, bool is_signed, const std::vector<double>& tails,
                          const std::vector<double>& quantiles, std::size_t largest, const Filters& filters) {
  InspectOptions options;
  options.cutoff = cutoff;
  options.measure = is_signed ? Measure::kSigned : Measure::kMagnitude;
  options.tails = tails;
  options.quantiles = quantiles;
  options.largest = largest;
  options.include = std::get<0>(filters);
  options.exclude = std::get<1>(filters);
  for (const std::string& name : std::get<2>(filters))
    for (const Group group : parse_groups(name)) options.groups.push_back(group);
  return options;
}

/// Returns (JSON, text, Markdown) of one model's inspection.
Document inspected(const Model& model, double cutoff, bool is_signed, const std::vector<double>& tails,
                   const std::vector<double>& quantiles, std::size_t largest, const Filters& filters, unsigned threads,
                   const nb::object& progress) {
  const InspectOptions options = options_of(cutoff, is_signed, tails, quantiles, largest, filters);
  const Inspection inspection =
      call(threads, progress, [&](const Context& context) { return inspect(model, options, context); });
  const std::span<const Model> models(&model, 1);
  const std::span<const Inspection> inspections(&inspection, 1);
  return Document(nb::make_tuple(text(inspect_json(models, inspections)),
                                 text(inspect_text(models, inspections, {}, Markup::kText)),
                                 text(inspect_text(models, inspections, {}, Markup::kMarkdown))));
}

/// The same of one model's checks.
Document checked(const Model& model, const Filters& filters, unsigned threads, const nb::object& progress) {
  PruneOptions options;
  options.include = std::get<0>(filters);
  options.exclude = std::get<1>(filters);
  for (const std::string& name : std::get<2>(filters))
    for (const Group group : parse_groups(name)) options.groups.push_back(group);
  const ModelCheck check =
      call(threads, progress, [&](const Context& context) { return check_model(model, options, context); });
  return Document(nb::make_tuple(text(check_json({&check, 1})), text(check_text(check, Markup::kText)),
                                 text(check_text(check, Markup::kMarkdown))));
}

}  // namespace

void bind_inspect(nb::module_& module) {
  module.def("inspect", inspected, nb::arg("model"), nb::arg("cutoff"), nb::arg("signed"), nb::arg("tails"),
             nb::arg("quantiles"), nb::arg("largest"), nb::arg("filters"), nb::arg("threads"),
             nb::arg("progress").none());
  module.def("check", checked, nb::arg("model"), nb::arg("filters"), nb::arg("threads"), nb::arg("progress").none());
}

}  // namespace pare::python
