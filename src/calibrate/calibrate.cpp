// Layers are pruned one after the other, each on what the pruned layers before it compute.
#include "pare/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "base/collective.h"
#include "calibrate/fingerprint.h"
#include "calibrate/layer_by_layer.h"
#include "calibrate/resume_file.h"
#include "calibrate/spread.h"
#include "calibrate/statistics/from_statistics.h"
#include "calibrate/statistics/statistics_file.h"
#include "pare/error.h"
#include "prune/masks/count_zeros.h"
#include "prune/patterns/plan_pattern.h"
#include "prune/select.h"

namespace pare {
namespace calibrate {
namespace {

constexpr std::size_t kNamesInNote = 3;
constexpr double kShareOfAllocation = 0.4;  ///< of the progress

template <class Names>
std::string names_text(const Names& names) {
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names)
    if (count++ < kNamesInNote) text += (count == 1 ? "" : ", ") + name;
  if (count > kNamesInNote) text += fmt::format(" and {} more", count - kNamesInNote);
  return text;
}

void note(PrunePlan& plan, const std::set<std::string>& names, std::string_view what) {
  if (!names.empty())
    plan.notes.push_back(fmt::format("{} {}: {}",
                                     names.size() == 1 ? "one linear" : fmt::format("{} linears", names.size()), what,
                                     names_text(names)));
}

/// Throws for what no criterion takes.
void require_settings(const PruneOptions& options) {
  if (!(options.damping >= 1e-8 && options.damping <= 1))
    throw Error(ErrorCode::kArgument, fmt::format("damping must be from 1e-8 to 1, not {}", options.damping));
  if (options.block_size == 0) throw Error(ErrorCode::kArgument, "the block size must be at least 1");
}

void require_suitable(const PruneOptions& options, AllocationKind allocation) {
  const auto refuse = [&](const std::string& cause) {
    throw Error(ErrorCode::kArgument, fmt::format("the criterion {} {}", criterion_name(options.criterion), cause));
  };
  if (allocation != AllocationKind::kUniform && !is_calibrated(options.criterion))
    refuse(fmt::format("does not support the allocation {}", allocation_name(allocation)));
  if (allocation != AllocationKind::kUniform && (!options.sets.empty() || options.pattern != Pattern()))
    throw Error(ErrorCode::kArgument, fmt::format("the allocation {} needs levels, which neither sets nor patterns fix",
                                                  allocation_name(allocation)));
  if (!is_calibrated(options.criterion)) {
    if (!options.refit) refuse("does not look at a text");
    return;  // plan_pruning() checks the others
  }
  if (options.pattern.has_norm()) refuse("supports unstructured and N:M patterns only, not " + options.pattern.text());
  if (options.schedule == Schedule::kAccumulate) refuse("prunes each level from the original weights");
  if (options.levels.empty() == options.sets.empty()) refuse("needs either levels or sets");
  const auto is_count = [](const Amount& amount) { return amount.count.has_value(); };
  if (std::any_of(options.levels.begin(), options.levels.end(), is_count)) refuse("needs fractions, not counts");
}

/// Statistics take the place of a text, and of running the model.
void require_statistics_alone(const CalibrationOptions& calibration, const Context& context) {
  const auto refuse = [&](const std::string& cause) {
    throw Error(ErrorCode::kArgument, calibration.statistics, cause);
  };
  if (!calibration.data.empty()) refuse("statistics take the place of a text, so only one of them is given");
  if (!calibration.resume.empty()) refuse("pruning by statistics keeps no finished layers, so it cannot be resumed");
  if (context.group() != nullptr) refuse("statistics are used by one process, not by a group");
  if (calibration.allocation == AllocationKind::kSecondOrder)
    refuse(fmt::format("the allocation {} runs the model on a text, and statistics do not replace that",
                       allocation_name(calibration.allocation)));
}

/// Keeps the parameters that are matrices of linears in layers, and adds a note on the others.
void select_linears(const Model& model, PrunePlan& plan) {
  std::vector<std::size_t> linears;
  std::vector<std::string> others;
  for (const std::size_t index : plan.parameters) {
    const Parameter& parameter = model.parameters[index];
    if (is_layer_linear(model, parameter))
      linears.push_back(index);
    else
      others.push_back(parameter.name);
  }
  if (linears.empty())
    throw Error(ErrorCode::kArgument, model.title + ": nothing to prune: no linear of a layer is selected");
  if (!others.empty())
    plan.notes.push_back(fmt::format(
        "calibration prunes the linears of layers only, and leaves {} unchanged: {}",
        others.size() == 1 ? "one other tensor" : fmt::format("{} other tensors", others.size()), names_text(others)));
  plan.parameters = std::move(linears);
}

/// The level that sets define.
Level level_of_sets(const Model& model, const PrunePlan& plan) {
  Level level{{}, std::vector<Amount>(plan.parameters.size())};
  const std::vector<std::vector<std::size_t>> members = prune::members_of(model, plan.parameters, plan.options.sets);
  double pruned = 0;
  for (std::size_t set = 0; set < members.size(); ++set)
    for (const std::size_t member : members[set]) {
      level.of_each[member] = plan.options.sets[set].amount;
      pruned += level.of_each[member].fraction *
                static_cast<double>(model.tensor(model.parameters[plan.parameters[member]]).elements());
    }
  level.amount.fraction = pruned / static_cast<double>(plan.candidates);
  level.amount.label = fmt::format("{:.4g}", 100 * level.amount.fraction);
  return level;
}

std::vector<Level> levels_of(const Model& model, const PrunePlan& plan, const CalibrationOptions& calibration,
                             ResumeFile* resume, const Context& context) {
  if (!plan.options.sets.empty()) return {level_of_sets(model, plan)};
  std::vector<Level> levels;
  for (const Amount& amount : plan.options.levels)
    levels.push_back({amount, std::vector<Amount>(plan.parameters.size(), amount)});
  if (calibration.allocation == AllocationKind::kUniform) return levels;
  std::uint64_t stored = resume != nullptr && resume->allocation() ? 1 : 0;
  base::broadcast({&stored, 1}, context);
  std::vector<std::vector<double>> fractions(levels.size(), std::vector<double>(plan.parameters.size()));
  if (stored == 0) fractions = spread_levels(model, plan, calibration, context);
  if (stored != 0 && resume != nullptr) fractions = *resume->allocation();
  if (stored == 0 && resume != nullptr) resume->store(fractions);
  const auto is_whole = [&](const std::vector<double>& level) { return level.size() == plan.parameters.size(); };
  if (fractions.size() != levels.size() || !std::all_of(fractions.begin(), fractions.end(), is_whole))
    throw Error(ErrorCode::kMismatch, model.source, "the interrupted run had other levels");
  for (std::vector<double>& level : fractions) base::broadcast(std::span<double>(level), 0, context);
  for (std::size_t i = 0; i < levels.size(); ++i)
    for (std::size_t k = 0; k < plan.parameters.size(); ++k)
      levels[i].of_each[k] = {fractions[i][k], std::nullopt, fmt::format("{:.4g}", 100 * fractions[i][k])};
  return levels;
}

/// nullptr if nothing is to be kept, and on all ranks of a group but rank 0.
std::unique_ptr<ResumeFile> open_resume(const Model& model, const PrunePlan& plan,
                                        const CalibrationOptions& calibration, const CalibrationText& text,
                                        const Context& context) {
  if (calibration.resume.empty() || !context.leads()) return nullptr;
  const auto tell = [&](const std::string& sentence) {
    if (calibration.tell_resume) calibration.tell_resume(sentence);
  };
  return std::make_unique<ResumeFile>(calibration.resume,
                                      fingerprint_of(model, plan, calibration, text, base::group_size(context)), tell);
}

/// One for each parameter.
std::vector<PruneSet> sets_of(const Model& model, const PrunePlan& plan, const Level& level) {
  std::vector<PruneSet> sets;
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const std::string& name = model.parameters[plan.parameters[i]].name;
    sets.push_back({name, {glob_of(name)}, level.of_each[i]});
  }
  return sets;
}

/// Levels whose weights a criterion that is not calibrated chooses, among the linears of the plan only.
std::vector<Level> chosen_levels(const Model& model, PrunePlan& plan, const PruneOptions& options,
                                 const Context& context) {
  PruneOptions own = options;
  own.refit = false;
  if (options.sets.empty()) {
    own.groups.clear();
    own.exclude.clear();
    own.include.clear();
    for (const std::size_t index : plan.parameters) own.include.push_back(glob_of(model.parameters[index].name));
  }
  const PrunePlan chosen = plan_pruning(model, own, context);
  plan.notes.insert(plan.notes.end(), chosen.notes.begin(), chosen.notes.end());
  plan.mask = chosen.mask;
  std::vector<Level> levels;
  for (const LevelPlan& level : chosen.levels) {
    Level& made = levels.emplace_back(Level{level.amount, std::vector<Amount>(plan.parameters.size(), level.amount)});
    made.given.resize(plan.parameters.size());
    for (std::size_t i = 0; i < chosen.parameters.size(); ++i) {
      const auto at = std::find(plan.parameters.begin(), plan.parameters.end(), chosen.parameters[i]);
      if (at != plan.parameters.end())
        made.given[static_cast<std::size_t>(at - plan.parameters.begin())] = level.cuts[i].mask;
    }
  }
  return levels;
}

void add_level(const Model& model, PrunePlan& plan, const Level& level, std::vector<TensorCut> cuts, bool allocates) {
  LevelPlan& added = plan.levels.emplace_back();
  added.amount = level.amount;
  added.cuts = std::move(cuts);
  if (allocates) added.sets = sets_of(model, plan, level);
}

void note_linears(PrunePlan& plan, const std::set<std::string>& unseen, const std::set<std::string>& raised) {
  note(plan, unseen, "saw no input other than zero and were pruned by magnitude");
  note(plan, raised, "had nearly dependent inputs, so the damping of the Hessian was raised");
}

/// Each layer is pruned on what the pruned layers before it make of the text.
void add_levels_by_text(const Model& model, PrunePlan& plan, const PruneOptions& options,
                        const CalibrationOptions& calibration, const Context& context) {
  const bool allocates = calibration.allocation != AllocationKind::kUniform;
  const double begin = allocates ? kShareOfAllocation : 0;
  LayerByLayer run(model, plan, calibration, context.part(begin, 1));
  std::vector<Level> levels;
  if (!is_calibrated(options.criterion)) levels = chosen_levels(model, plan, options, context.with_progress({}));
  const std::unique_ptr<ResumeFile> resume = open_resume(model, plan, calibration, run.text(), context);
  if (is_calibrated(options.criterion))
    levels = levels_of(model, plan, calibration, resume.get(), context.part(0, begin));
  for (std::size_t i = 0; i < levels.size(); ++i)
    add_level(model, plan, levels[i], run.run(levels[i], i, levels.size(), resume.get()), allocates);
  note_linears(plan, run.unseen(), run.raised());
  if (calibration.tell_speed && run.speed().operations > 0) calibration.tell_speed(run.speed());
}

/// Each linear is pruned on what it read in the model as it was.
void add_levels_by_statistics(const Model& model, PrunePlan& plan, const PruneOptions& options,
                              const CalibrationOptions& calibration, const Context& context) {
  const StatisticsFile file(calibration.statistics, model);
  plan.calibration = file.record();
  plan.notes.push_back(fmt::format(
      "weights are chosen by the inputs of the dense model ({}), not by those that pruned layers before pass on",
      file.record().statistics));
  const Context quiet = context.with_progress({});
  const std::vector<Level> levels = is_calibrated(options.criterion)
                                        ? levels_of(model, plan, calibration, nullptr, quiet)
                                        : chosen_levels(model, plan, options, quiet);
  StatisticsCuts cuts = cuts_from_statistics(model, plan, levels, file, context);
  for (std::size_t i = 0; i < levels.size(); ++i)
    add_level(model, plan, levels[i], std::move(cuts.levels[i]), calibration.allocation != AllocationKind::kUniform);
  note_linears(plan, cuts.unseen, cuts.raised);
}

}  // namespace
}  // namespace calibrate

std::string_view allocation_name(AllocationKind allocation) noexcept {
  constexpr std::string_view kNames[] = {"uniform", "owl", "second-order"};
  return kNames[static_cast<std::size_t>(allocation)];
}

bool is_layer_linear(const Model& model, const Parameter& parameter) {
  return parameter.layer >= 0 && parameter.orientation != Orientation::kNone &&
         model.tensor(parameter).shape.size() == 2;
}

PrunePlan plan_calibrated(const Model& model, const PruneOptions& options, const CalibrationOptions& calibration,
                          const Context& context) {
  PrunePlan plan;
  plan.options = prune::completed(options);
  if (is_calibrated(options.criterion)) plan.options.scope = Scope::kPerTensor;
  calibrate::require_settings(plan.options);
  calibrate::require_suitable(plan.options, calibration.allocation);
  if (!calibration.statistics.empty()) calibrate::require_statistics_alone(calibration, context);
  plan.parameters = select_parameters(model, options);
  calibrate::select_linears(model, plan);
  std::vector<TensorView> tensors;
  for (const std::size_t parameter : plan.parameters) {
    tensors.push_back(model.tensor(model.parameters[parameter]));
    plan.candidates += tensors.back().elements();
  }
  decode_packed(tensors, context.with_progress({}));
  plan.zeros_before = prune::count_zeros(tensors, context.with_progress({}));
  if (calibration.statistics.empty())
    calibrate::add_levels_by_text(model, plan, options, calibration, context);
  else
    calibrate::add_levels_by_statistics(model, plan, options, calibration, context);
  prune::set_zeros(plan, tensors, context.with_progress({}));
  return plan;
}

}  // namespace pare
