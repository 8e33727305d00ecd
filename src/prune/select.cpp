#include "prune/select.h"

#include <algorithm>

#include "pare/error.h"

namespace pare {
namespace {

/// True if any of the globs matches; marks all that match.
bool matches_any(const std::vector<std::string>& globs, const std::string& name, std::vector<bool>& used) {
  bool matched = false;
  for (std::size_t i = 0; i < globs.size(); ++i) {
    if (!glob_match(globs[i], name)) continue;
    used[i] = matched = true;
  }
  return matched;
}

void require_used(const Model& model, const std::vector<std::string>& globs, const std::vector<bool>& used) {
  for (std::size_t i = 0; i < globs.size(); ++i)
    if (!used[i]) throw Error(ErrorCode::kArgument, model.title + ": no parameter matches '" + globs[i] + "'");
}

/// Options that select exactly the parameters that the sets name.
PruneOptions named_by_sets(const std::vector<PruneSet>& sets) {
  PruneOptions options;
  for (const PruneSet& set : sets)
    options.include.insert(options.include.end(), set.tensors.begin(), set.tensors.end());
  return options;
}

}  // namespace

std::vector<std::size_t> select_parameters(const Model& model, const PruneOptions& options) {
  if (!options.sets.empty()) return select_parameters(model, named_by_sets(options.sets));
  const bool by_default = options.include.empty() && options.groups.empty();
  std::vector<bool> included(options.include.size()), excluded(options.exclude.size());
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[i];
    const bool named = options.include.empty() || matches_any(options.include, parameter.name, included);
    const bool grouped = options.groups.empty() || std::find(options.groups.begin(), options.groups.end(),
                                                             parameter.group) != options.groups.end();
    const bool wanted = by_default ? parameter.prunable : named && grouped;
    if (matches_any(options.exclude, parameter.name, excluded) || !wanted) continue;
    const TensorView& tensor = model.tensor(parameter);
    if (!is_analyzed(tensor.dtype))
      throw Error(ErrorCode::kUnsupported, model.source, parameter.name,
                  "dtype " + std::string(dtype_name(tensor.dtype)) + " cannot be pruned");
    selected.push_back(i);
  }
  require_used(model, options.include, included);
  require_used(model, options.exclude, excluded);
  if (selected.empty()) throw Error(ErrorCode::kArgument, model.title + ": nothing to prune: no parameter is selected");
  return selected;
}

namespace prune {

std::vector<std::vector<std::size_t>> members_of(const Model& model, const std::vector<std::size_t>& parameters,
                                                 const std::vector<PruneSet>& sets) {
  std::vector<std::vector<std::size_t>> members(sets.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = model.parameters[parameters[i]].name;
    const PruneSet* owner = nullptr;
    for (std::size_t set = 0; set < sets.size(); ++set) {
      std::vector<bool> used(sets[set].tensors.size());
      if (!matches_any(sets[set].tensors, name, used)) continue;
      if (owner != nullptr)
        throw Error(ErrorCode::kArgument, model.title + ": both '" + owner->name + "' and '" + sets[set].name +
                                              "' of the levels take " + name);
      owner = &sets[set];
      members[set].push_back(i);
    }
  }
  return members;
}

}  // namespace prune
}  // namespace pare
