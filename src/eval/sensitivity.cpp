#include "pare/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "eval/damage.h"
#include "pare/error.h"

namespace pare {
namespace eval {
namespace {

double score_of(const Evaluation& evaluation, const std::string& name) {
  for (const Score& score : evaluation.scores)
    if (score.name == name) return score.value;
  throw Error(ErrorCode::kUnsupported, "the task gave no " + name);
}

}  // namespace

Damage::Damage(const Model& model, const SensitivityOptions& options, const Context& context)
    : model_(model),
      task_(options.eval.task),
      context_(context.with_progress({})),
      score_(task_kind(options.eval.task).loss_score) {
  EvalOptions eval = options.eval;
  if (task_ == Task::kDivergence) eval.reference = &model_;
  prepared_ = std::make_unique<PreparedTask>(model, eval, context_);
  unit_ = score_kind(score_).share ? "share" : "nats";
  if (task_ == Task::kDivergence) return;  // 0 from itself
  dense_ = score_of(prepared_->score(context_), score_);
  dense_loss_ = unit_ == "share" ? -dense_ : std::log(dense_);
}

double Damage::loss_of(const Model& model) const {
  const double value = score_of(prepared_->score(model, context_), score_);
  if (task_ == Task::kDivergence) return value;
  return unit_ == "share" ? -value : std::log(value);
}

double Damage::of(const std::vector<PruneSet>& sets) const {
  PruneOptions pruning;
  pruning.sets = sets;
  const Model pruned = pruned_model(model_, plan_pruning(model_, pruning, context_), 0, context_);
  return loss_of(pruned) - dense_loss_;
}

PruneSet set_of(const Model& model, const SensitiveUnit& unit, double fraction) {
  PruneSet set;
  set.name = unit.name;
  for (const std::size_t parameter : unit.parameters) set.tensors.push_back(glob_of(model.parameters[parameter].name));
  set.amount = {fraction, std::nullopt, fmt::format("{:.4g}", 100 * fraction)};
  return set;
}

namespace {

std::string role_name(const Parameter& parameter) {
  return (parameter.cross_attention ? "cross-" : "") + std::string(group_name(parameter.group));
}

/// "mlp.c_fc" of "h.3.mlp.c_fc.weight": what stands behind the layer's number.
std::string part_name(const Parameter& parameter, UnitKind kind) {
  if (kind == UnitKind::kLayer) return "";
  if (kind == UnitKind::kGroup) return role_name(parameter);
  const std::string number = fmt::format(".{}.", parameter.layer);
  const std::size_t at = parameter.name.find(number);
  std::string part = at == std::string::npos ? parameter.name : parameter.name.substr(at + number.size());
  if (part.ends_with(".weight")) part.resize(part.size() - 7);
  return part;
}

std::string unit_name(const Parameter& parameter, UnitKind kind) {
  const std::string stack = parameter.stack.empty() ? "" : parameter.stack + " ";
  if (kind == UnitKind::kTensor) return parameter.name;
  if (kind == UnitKind::kGroup) return stack + role_name(parameter);
  return parameter.layer < 0 ? stack + "outside any layer" : fmt::format("{}layer {}", stack, parameter.layer);
}

std::vector<SensitiveUnit> units_of(const Model& model, UnitKind kind) {
  std::vector<SensitiveUnit> units;
  for (const std::size_t index : select_parameters(model, {})) {
    const Parameter& parameter = model.parameters[index];
    const std::string name = unit_name(parameter, kind);
    auto unit = std::find_if(units.begin(), units.end(), [&](const SensitiveUnit& one) { return one.name == name; });
    if (unit == units.end()) {
      units.push_back({name,
                       parameter.stack,
                       kind == UnitKind::kGroup ? -1 : parameter.layer,
                       part_name(parameter, kind),
                       {},
                       0,
                       {}});
      unit = units.end() - 1;
    }
    unit->parameters.push_back(index);
    unit->weights += model.tensor(parameter).elements();
  }
  return units;
}

std::vector<Amount> default_levels() {
  std::vector<Amount> levels;
  for (const char* level : {"50", "80", "90", "95"}) levels.push_back(Amount::percent(level));
  return levels;
}

}  // namespace
}  // namespace eval

std::vector<std::size_t> ranking(const Sensitivity& sensitivity) {
  std::vector<std::size_t> order(sensitivity.units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto total = [&](std::size_t i) {
    const std::vector<double>& damage = sensitivity.units[i].damage;
    return std::accumulate(damage.begin(), damage.end(), 0.0);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return total(a) < total(b); });
  return order;
}

Sensitivity measure_sensitivity(const Model& model, const SensitivityOptions& options, const Context& context) {
  Sensitivity result;
  const eval::Damage damage(model, options, context);
  result.score = damage.score();
  result.damage_unit = damage.unit();
  result.dense = damage.dense();
  result.levels = options.levels.empty() ? eval::default_levels() : options.levels;
  result.units = eval::units_of(model, options.unit);
  const auto total = static_cast<double>(result.units.size() * result.levels.size());
  double done = 0;
  for (SensitiveUnit& unit : result.units) {
    result.weights += unit.weights;
    for (const Amount& level : result.levels) {
      context.report(done++ / total, unit.name);
      PruneSet set = eval::set_of(model, unit, level.fraction);
      if (level.count) set.amount = level;
      unit.damage.push_back(damage.of({std::move(set)}));
    }
  }
  return result;
}

}  // namespace pare
