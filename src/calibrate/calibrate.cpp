// Layers are pruned one after the other, each on what the pruned layers before it compute.
#include "pare/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "calibrate/calibration_text.h"
#include "calibrate/layer_inputs.h"
#include "calibrate/wanda.h"
#include "calibrate/working_weights.h"
#include "pare/error.h"
#include "prune/masks/count_zeros.h"
#include "prune/patterns/plan_pattern.h"
#include "prune/select.h"

namespace pare {
namespace calibrate {
namespace {

constexpr std::size_t kNamesInNote = 3;

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesInNote); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesInNote) text += fmt::format(" and {} more", names.size() - kNamesInNote);
  return text;
}

void require_suitable(const PruneOptions& options) {
  const std::string_view name = criterion_name(options.criterion);
  const auto refuse = [&](const std::string& cause) {
    throw Error(ErrorCode::kArgument, fmt::format("the criterion {} {}", name, cause));
  };
  if (!is_calibrated(options.criterion)) refuse("does not look at a text");
  if (options.pattern.has_norm()) refuse("supports unstructured and N:M patterns only, not " + options.pattern.text());
  if (options.schedule == Schedule::kAccumulate) refuse("prunes each level from the original weights");
  if (options.levels.empty() == options.sets.empty()) refuse("needs either levels or sets");
  const auto is_count = [](const Amount& amount) { return amount.count.has_value(); };
  if (std::any_of(options.levels.begin(), options.levels.end(), is_count)) refuse("needs fractions, not counts");
}

/// One level: the amount of every parameter of the plan.
struct Level {
  Amount amount;
  std::vector<Amount> of_each;
};

class Calibration {
 public:
  Calibration(const Model& model, PrunePlan& plan, const CalibrationOptions& options, const Context& context)
      : model_(model), plan_(plan), context_(context), quiet_(context.with_progress({})) {
    for (std::size_t i = 0; i < plan.parameters.size(); ++i) index_.emplace(parameter(i).name, i);
    const auto runner = open_runner(model, {KernelChoice::kDense}, quiet_);
    text_ = read_calibration_text(model, *runner, options);
    plan.calibration = text_.record;
    plan.notes.insert(plan.notes.end(), text_.notes.begin(), text_.notes.end());
  }

  /// The cuts of one level. `done` and `all`: levels.
  std::vector<TensorCut> run(const Level& level, std::size_t done, std::size_t all) {
    weights_.emplace(model_, plan_.parameters);
    cuts_.assign(plan_.parameters.size(), {});
    level_ = &level;
    InferOptions infer{KernelChoice::kDense};
    infer.observer = [this](const LayerUse& linear, const Matrix& inputs) {
      if (inputs_) inputs_->observe(linear, inputs, quiet_);
    };
    const auto runner = open_runner(weights_->model(), infer, quiet_);
    const std::size_t layers = runner->layer_count();
    std::vector<Matrix> states(text_.batches.size());
    for (std::size_t layer = 0; layer < layers; ++layer) {
      const double step = 1.0 / static_cast<double>(all * layers),
                   begin = static_cast<double>(done * layers + layer) * step;
      prune_layer(*runner, layer, states,
                  context_.part(begin, begin + step, fmt::format("layer {} of {}", layer + 1, layers)));
    }
    return std::move(cuts_);
  }

 private:
  const Parameter& parameter(std::size_t index) const { return model_.parameters[plan_.parameters[index]]; }

  void prune_layer(const Runner& runner, std::size_t layer, std::vector<Matrix>& states, const Context& context) {
    std::set<std::string> wanted;
    for (std::size_t i = 0; i < plan_.parameters.size(); ++i) {
      if (parameter(i).layer != static_cast<int>(layer)) continue;
      weights_->load(i);
      wanted.insert(parameter(i).name);
    }
    // The last layer's outputs are not needed, so three passes and the pruning itself stand for the work.
    const auto report = [&](double passes, std::size_t batch) {
      context.report((passes + static_cast<double>(batch) / static_cast<double>(states.size())) / 3);
    };
    inputs_.emplace(wanted, false);
    for (std::size_t i = 0; i < states.size(); ++i) {
      report(0, i);
      runner.run_layers(text_.batches[i], states[i], layer, layer + 1, quiet_);
    }
    const std::vector<SharedInputs> inputs = inputs_->take(model_.source);
    inputs_.reset();
    report(1, 0);
    for (const SharedInputs& shared : inputs)
      for (const std::string& name : shared.linears) {
        prune_linear(index_.at(name), shared);
        wanted.erase(name);
      }
    for (const std::string& name : wanted) prune_unseen(index_.at(name));
    if (layer + 1 == runner.layer_count()) return;
    for (std::size_t i = 0; i < states.size(); ++i) {
      report(2, i);
      states[i] = runner.run_layers(text_.batches[i], std::move(states[i]), layer, layer + 1, quiet_);
    }
  }

  void prune_linear(std::size_t index, const SharedInputs& inputs) {
    context_.check();
    LinearTask task = weights_->task(index);
    task.pattern = plan_.options.pattern;
    task.amount = level_->of_each[index];
    prune_by_wanda(task, inputs.squares, quiet_);
    cuts_[index] = weights_->finish(index, task);
  }

  /// A linear that saw no token, such as an expert that none was routed to.
  void prune_unseen(std::size_t index) {
    unseen_.insert(parameter(index).name);
    LinearTask task = weights_->task(index);
    task.pattern = plan_.options.pattern;
    task.amount = level_->of_each[index];
    prune_by_wanda(task, std::vector<double>(task.in, 1.0), quiet_);
    cuts_[index] = weights_->finish(index, task);
  }

 public:
  const std::set<std::string>& unseen() const noexcept { return unseen_; }

 private:
  const Model& model_;
  PrunePlan& plan_;
  Context context_, quiet_;
  CalibrationText text_;
  std::map<std::string, std::size_t> index_;  ///< of a parameter's name in plan_.parameters
  std::optional<WorkingWeights> weights_;
  std::optional<LayerInputs> inputs_;  ///< while a layer is observed
  const Level* level_ = nullptr;
  std::vector<TensorCut> cuts_;
  std::set<std::string> unseen_;
};

/// Keeps the parameters that are matrices of linears in layers, and adds a note on the others.
void select_linears(const Model& model, PrunePlan& plan) {
  std::vector<std::size_t> linears;
  std::vector<std::string> others;
  for (const std::size_t index : plan.parameters) {
    const Parameter& parameter = model.parameters[index];
    const bool linear = parameter.layer >= 0 && parameter.orientation != Orientation::kNone &&
                        model.tensor(parameter).shape.size() == 2;
    if (linear)
      linears.push_back(index);
    else
      others.push_back(parameter.name);
  }
  if (linears.empty())
    throw Error(ErrorCode::kArgument, model.title + ": nothing to prune: no linear of a layer is selected");
  if (!others.empty())
    plan.notes.push_back(fmt::format(
        "{} prunes the linears of layers only, and leaves {} as they are: {}", criterion_name(plan.options.criterion),
        others.size() == 1 ? "one other tensor" : fmt::format("{} other tensors", others.size()), names_text(others)));
  plan.parameters = std::move(linears);
}

std::vector<Level> levels_of(const Model& model, const PrunePlan& plan) {
  std::vector<Level> levels;
  for (const Amount& amount : plan.options.levels)
    levels.push_back({amount, std::vector<Amount>(plan.parameters.size(), amount)});
  if (plan.options.sets.empty()) return levels;
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
  return {level};
}

}  // namespace
}  // namespace calibrate

PrunePlan plan_calibrated(const Model& model, const PruneOptions& options, const CalibrationOptions& calibration,
                          const Context& context) {
  PrunePlan plan;
  plan.options = prune::completed(options);
  calibrate::require_suitable(plan.options);
  const std::optional<ModelTraits> traits = traits_of(model);
  if (traits && traits->kind == ModelKind::kEncoderDecoder)
    throw Error(ErrorCode::kUnsupported, model.source, "calibrated criteria do not prune encoder-decoders yet");
  plan.parameters = select_parameters(model, options);
  calibrate::select_linears(model, plan);
  std::vector<TensorView> tensors;
  for (const std::size_t parameter : plan.parameters) {
    tensors.push_back(model.tensor(model.parameters[parameter]));
    plan.candidates += tensors.back().elements();
  }
  decode_packed(tensors, context.with_progress({}));
  plan.zeros_before = prune::count_zeros(tensors, context.with_progress({}));
  calibrate::Calibration run(model, plan, calibration, context);
  const std::vector<calibrate::Level> levels = calibrate::levels_of(model, plan);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    LevelPlan& level = plan.levels.emplace_back();
    level.amount = levels[i].amount;
    level.cuts = run.run(levels[i], i, levels.size());
  }
  if (!run.unseen().empty())
    plan.notes.push_back(fmt::format("no calibration token reached {} linears, which are pruned by magnitude: {}",
                                     run.unseen().size(),
                                     calibrate::names_text({run.unseen().begin(), run.unseen().end()})));
  prune::set_zeros(plan, tensors, context.with_progress({}));
  return plan;
}

}  // namespace pare
