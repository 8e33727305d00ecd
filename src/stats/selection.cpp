#include "stats/selection.h"

#include <algorithm>

#include "pare/error.h"

namespace pare::stats {
namespace {

bool any_match(const std::vector<std::string>& globs, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) { return glob_match(glob, name); });
}

bool in_groups(const Parameter& parameter, const InspectOptions& options) {
  return options.groups.empty() ||
         std::find(options.groups.begin(), options.groups.end(), parameter.group) != options.groups.end();
}

/// A filter that matches nothing is probably a typing error, so it is an error.
void require_matches(const Model& model, const InspectOptions& options) {
  for (const auto* globs : {&options.include, &options.exclude})
    for (const std::string& glob : *globs)
      if (std::none_of(model.parameters.begin(), model.parameters.end(),
                       [&](const Parameter& parameter) { return glob_match(glob, parameter.name); }))
        throw Error(ErrorCode::kArgument, model.source, "no parameter name matches '" + glob + "'");
  // "attention" stands for several groups, of which a model has only some.
  if (options.groups.empty() || std::any_of(model.parameters.begin(), model.parameters.end(),
                                            [&](const Parameter& parameter) { return in_groups(parameter, options); }))
    return;
  std::string groups;
  for (const Group group : options.groups) groups += (groups.empty() ? "" : ", ") + std::string(group_name(group));
  throw Error(ErrorCode::kArgument, model.source, "no parameter is of group " + groups);
}

bool selected(const Parameter& parameter, const InspectOptions& options) {
  if (!options.include.empty() && !any_match(options.include, parameter.name)) return false;
  if (any_match(options.exclude, parameter.name)) return false;
  return in_groups(parameter, options);
}

}  // namespace

std::vector<double> cutoffs_of(const InspectOptions& options) {
  std::vector<double> cutoffs{options.cutoff};
  cutoffs.insert(cutoffs.end(), options.tails.begin(), options.tails.end());
  return cutoffs;
}

std::vector<const Parameter*> select_parameters(const Model& model, const InspectOptions& options,
                                                std::vector<LeftOut>& left_out) {
  require_matches(model, options);
  std::vector<const Parameter*> parameters;
  for (const Parameter& parameter : model.parameters) {
    if (!selected(parameter, options)) continue;
    const TensorView& tensor = model.tensor(parameter);
    if (!is_analyzed(tensor.dtype)) {
      left_out.push_back({parameter.name, "dtype " + std::string(dtype_name(tensor.dtype)) + " is not measured"});
      continue;
    }
    parameters.push_back(&parameter);
  }
  if (parameters.empty()) {
    if (model.parameters.empty()) throw Error(ErrorCode::kUnsupported, model.source, "contains no parameters");
    const bool filtered = !options.include.empty() || !options.exclude.empty() || !options.groups.empty();
    throw Error(
        filtered ? ErrorCode::kArgument : ErrorCode::kUnsupported, model.source,
        filtered ? "no parameter of a measured dtype passes the filters" : "contains no parameter of a measured dtype");
  }
  return parameters;
}

Selection select(const Model& model, const InspectOptions& options, std::vector<LeftOut>& left_out) {
  Selection selection;
  selection.parameters = select_parameters(model, options, left_out);
  selection.tensors.reserve(selection.parameters.size());
  for (const Parameter* parameter : selection.parameters) selection.tensors.push_back(model.tensor(*parameter));
  return selection;
}

}  // namespace pare::stats
