#include "prune/patterns/plan_pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "pare/error.h"
#include "prune/amount.h"
#include "prune/patterns/cut_blocks.h"
#include "prune/patterns/n_of_m.h"
#include "prune/patterns/tiling.h"

namespace pare::prune {
namespace {

constexpr std::size_t kNamesInNote = 3;

const Parameter& parameter_at(const Model& model, const PrunePlan& plan, std::size_t index) {
  return model.parameters[plan.parameters[index]];
}

void require_matrices(const Model& model, const PrunePlan& plan) {
  for (const std::size_t parameter : plan.parameters) {
    const std::size_t axes = model.tensor(model.parameters[parameter]).shape.size();
    if (axes == 2) continue;
    throw Error(ErrorCode::kArgument, model.source, model.parameters[parameter].name,
                fmt::format("has {} {}: the pattern {} needs a matrix", axes, axes == 1 ? "axis" : "axes",
                            plan.options.pattern.text()));
  }
}

/// "2:4 does not divide the input axis of 2 tensors (a, b): ..."; empty if it divides the axes of all tensors.
std::string remainder_note(const Pattern& pattern, const std::vector<std::string>& names, std::string_view axis) {
  if (names.empty()) return {};
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesInNote); ++i) list += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesInNote) list += fmt::format(" and {} more", names.size() - kNamesInNote);
  return fmt::format("{} does not divide the {} axis of {} {} ({}): {}", pattern.text(), axis, names.size(),
                     names.size() == 1 ? "tensor" : "tensors", list,
                     pattern.kind == Pattern::Kind::kNOfM
                         ? "what is left at its end is a smaller group, which keeps its share"
                         : "the blocks at its end are smaller, and their norms scaled to a whole block's");
}

void note_remainders(const Model& model, PrunePlan& plan) {
  std::vector<std::string> inputs, outputs;
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const Parameter& parameter = parameter_at(model, plan, i);
    const Remainder rest = remainder_of(plan.options.pattern, parameter.orientation, model.tensor(parameter));
    if (rest.inputs != 0) inputs.push_back(parameter.name);
    if (rest.outputs != 0) outputs.push_back(parameter.name);
  }
  for (const std::string& note :
       {remainder_note(plan.options.pattern, inputs, "input"), remainder_note(plan.options.pattern, outputs, "output")})
    if (!note.empty()) plan.notes.push_back(note);
}

/// Prunes blocks of all tensors together, or of each separately.
void cut_blocks_by_scope(const Model& model, PrunePlan& plan, std::span<const TensorView> tensors,
                         std::span<const Tiling> tilings, const Context& context) {
  const PruneOptions& options = plan.options;
  const std::size_t step = options.scope == Scope::kGlobal ? tensors.size() : 1;
  for (std::size_t begin = 0; begin < tensors.size(); begin += step) {
    std::uint64_t blocks = 0;
    for (std::size_t i = begin; i < begin + step; ++i) blocks += tilings[i].blocks();
    for (const Amount& amount : options.levels)
      if (amount.count && *amount.count > blocks)
        throw Error(ErrorCode::kArgument, model.source, step == 1 ? parameter_at(model, plan, begin).name : "",
                    fmt::format("amount {} is more than its {} {}", *amount.count, blocks,
                                options.pattern.kind == Pattern::Kind::kBlocks ? "blocks" : options.pattern.text()));
    std::vector<SetCut> cuts = cut_blocks(tensors.subspan(begin, step), tilings.subspan(begin, step), options.norm,
                                          level_counts(options, blocks), context);
    for (std::size_t level = 0; level < cuts.size(); ++level)
      for (TensorCut& cut : cuts[level].tensors) plan.levels[level].cuts.push_back(std::move(cut));
  }
}

}  // namespace

PruneOptions completed(const PruneOptions& options) {
  PruneOptions complete = options;
  if (options.pattern == Pattern()) return complete;
  const std::string pattern = options.pattern.text();
  if (options.criterion == Criterion::kRandom)
    throw Error(ErrorCode::kArgument, "the pattern " + pattern + " supports magnitude pruning only, not random");
  if (options.pattern.kind != Pattern::Kind::kBlocks) complete.scope = Scope::kPerTensor;
  if (const std::optional<Amount> level = options.pattern.level()) {
    if (!options.levels.empty())
      throw Error(ErrorCode::kArgument, "the pattern " + pattern + " implies the level: " + level->label + " %");
    complete.levels = {*level};
  }
  return complete;
}

void plan_pattern(const Model& model, std::span<const TensorView> tensors, PrunePlan& plan, const Context& context) {
  require_matrices(model, plan);
  note_remainders(model, plan);
  const Pattern& pattern = plan.options.pattern;
  std::vector<Tiling> tilings;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Orientation orientation = parameter_at(model, plan, i).orientation;
    if (pattern.has_norm())
      tilings.push_back(tiling_of(pattern, orientation, tensors[i]));
    else
      plan.levels.front().cuts.push_back(cut_n_of_m(tensors[i], pattern, orientation));
  }
  if (pattern.has_norm()) cut_blocks_by_scope(model, plan, tensors, tilings, context);
}

}  // namespace pare::prune
