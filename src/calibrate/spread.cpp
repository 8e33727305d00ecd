#include "calibrate/spread.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "base/collective.h"
#include "calibrate/calibrated_criterion.h"
#include "calibrate/cheapest_levels.h"
#include "calibrate/dense_walk.h"
#include "calibrate/layer_probe.h"
#include "calibrate/statistics/statistics_file.h"

namespace pare::calibrate {
namespace {

constexpr double kProbed = 0.5;                ///< level to which a linear is pruned to see what that does
constexpr std::size_t kTokensOfCurves = 8192;  ///< on which errors are measured
constexpr double kRoom = 0.5;  ///< no level goes farther from the target towards 1 than this share of the way

using Fractions = std::vector<double>;

std::vector<std::uint64_t> weights_of(const Model& model, const PrunePlan& plan) {
  std::vector<std::uint64_t> weights;
  for (const std::size_t parameter : plan.parameters)
    weights.push_back(model.tensor(model.parameters[parameter]).elements());
  return weights;
}

/// The first batches of the text.
CalibrationText first_tokens(const CalibrationText& text, std::size_t tokens) {
  CalibrationText first;
  std::size_t sum = 0;
  for (std::size_t i = 0; i < text.batches.size() && sum < tokens; ++i) {
    sum += text.batches[i].tokens();
    first.batches.push_back(text.batches[i]);
    if (!text.targets.empty()) first.targets.push_back(text.targets[i]);
  }
  return first;
}

/// Each rank has the costs of some linears; the others are 0.
void share_costs(std::vector<MatrixCost>& costs, const Context& context) {
  std::vector<std::uint64_t> bits;
  for (const MatrixCost& cost : costs)
    for (const double value : cost.cost) bits.push_back(std::bit_cast<std::uint64_t>(value));
  base::add_up(bits, context);
  auto next = bits.begin();
  for (MatrixCost& cost : costs)
    for (double& value : cost.cost) value = std::bit_cast<double>(*next++);
}

/// What each linear's levels cost: how much the model's predictions change. A linear that reads nothing costs nothing.
std::vector<MatrixCost> second_order_costs(const Model& model, const PrunePlan& plan, const CalibrationText& text,
                                           const Context& context) {
  std::vector<MatrixCost> costs(plan.parameters.size());
  const std::vector<std::uint64_t> weights = weights_of(model, plan);
  for (std::size_t i = 0; i < costs.size(); ++i) costs[i].weights = static_cast<double>(weights[i]);
  const Context quiet = context.with_progress({});
  const CalibrationText few = first_tokens(text, kTokensOfCurves);
  const bool fits = needs_products(plan.options);
  // Every rank walks, and they take turns with the linears, which take most of the time. So costs are those of one
  // process, bit for bit.
  DenseWalk walk(model, plan.parameters, few, true, context.alone());
  std::size_t turn = 0;
  LayerProbe probe(walk.weights().model(), text, quiet);
  const auto visit = [&](const SharedInputs& inputs, const Context& part) {
    if (turn++ % base::group_size(context) != base::group_rank(context)) return;
    if (std::all_of(inputs.squares.begin(), inputs.squares.end(), [](double sum) { return sum == 0; })) return;
    const ScaledHessian hessian = scaled_hessian(inputs, fits ? plan.options.damping : kDamping);
    for (std::size_t i = 0; i < inputs.linears.size(); ++i) {
      part.report(static_cast<double>(i) / static_cast<double>(inputs.linears.size()));
      part.check();
      const std::size_t index = walk.index(inputs.linears[i]);
      LinearTask task = walk.weights().task(index);
      require_finite(task, model.source, inputs.linears[i]);
      const ErrorCurve curve = error_curve(task, hessian, fits, quiet);
      walk.weights().finish(index, task);
      const double gain = curve.probed > 0 ? probe.change(quiet) / curve.probed : 0;
      walk.weights().load(index);
      for (std::size_t k = 0; k < curve.errors.size(); ++k) costs[index].cost[k] = gain * curve.errors[k];
    }
  };
  walk.run(
      visit, [&] { probe.advance(quiet); }, context.alone());
  share_costs(costs, context);
  return costs;
}

/// Share of a layer's weights whose |w| times the norm of its input is more than `multiple` times the mean.
double outlier_ratio(const std::vector<std::vector<float>>& scores, double multiple) {
  double sum = 0, count = 0, above = 0;
  for (const std::vector<float>& some : scores) {
    sum = std::accumulate(some.begin(), some.end(), sum);
    count += static_cast<double>(some.size());
  }
  const double bound = multiple * sum / count;
  for (const std::vector<float>& some : scores)
    above += static_cast<double>(
        std::count_if(some.begin(), some.end(), [&](float score) { return static_cast<double>(score) > bound; }));
  return above / count;
}

/// Collects the outlier ratio of the layer of each parameter.
class OutlierRatios {
 public:
  OutlierRatios(std::size_t parameters, double multiple) : ratios_(parameters), multiple_(multiple) {}

  /// `squares`: of the inputs, as in SharedInputs.
  void add(std::size_t index, const LinearTask& task, const std::vector<double>& squares) {
    members_.push_back(index);
    std::vector<float>& some = scores_.emplace_back(task.weights.size());
    for (std::size_t i = 0; i < some.size(); ++i)
      some[i] = static_cast<float>(std::fabs(static_cast<double>(task.weights[i])) * std::sqrt(squares[i % task.in]));
  }
  /// The linears added since the layer before are those of a layer.
  void end_layer() {
    for (const std::size_t member : members_) ratios_[member] = outlier_ratio(scores_, multiple_);
    members_.clear();
    scores_.clear();
  }
  const Fractions& ratios() const noexcept { return ratios_; }

 private:
  Fractions ratios_;
  double multiple_;
  std::vector<std::vector<float>> scores_;
  std::vector<std::size_t> members_;
};

Fractions outlier_ratios(const Model& model, const PrunePlan& plan, const CalibrationText& text, double multiple,
                         const Context& context) {
  OutlierRatios ratios(plan.parameters.size(), multiple);
  DenseWalk walk(model, plan.parameters, text, false, context);
  const auto visit = [&](const SharedInputs& inputs, const Context&) {
    for (const std::string& name : inputs.linears) {
      const std::size_t index = walk.index(name);
      ratios.add(index, walk.weights().task(index), inputs.squares);
    }
  };
  walk.run(
      visit, [&] { ratios.end_layer(); }, context);
  return ratios.ratios();
}

/// The same of statistics in a file. Linears that no token reached are left out.
Fractions outlier_ratios(const Model& model, const PrunePlan& plan, const StatisticsFile& file, double multiple,
                         const Context& context) {
  OutlierRatios ratios(plan.parameters.size(), multiple);
  WorkingWeights weights(model, plan.parameters);
  std::map<std::pair<std::string, int>, std::vector<std::size_t>> layers;
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[plan.parameters[i]];
    layers[{parameter.stack, parameter.layer}].push_back(i);
  }
  for (const auto& [layer, members] : layers) {
    for (const std::size_t index : members) {
      context.check();
      const StatisticsFile::Entry& entry = file.entry_of(model.parameters[plan.parameters[index]].name);
      if (entry.tokens == 0) continue;
      weights.load(index);
      ratios.add(index, weights.task(index), file.load(entry, false).squares);
    }
    ratios.end_layer();
  }
  return ratios.ratios();
}

/// Yin et al. 2024: levels fall with the outlier ratio, within a range around the target, which is their mean.
Fractions outlier_levels(const Fractions& ratios, const std::vector<std::uint64_t>& weights, double target,
                         double range) {
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  const double scale = *most > *least ? 2 * range / (*most - *least) : 0;
  double mean = 0, sum = 0;
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    mean += ratios[i] * static_cast<double>(weights[i]);
    sum += static_cast<double>(weights[i]);
  }
  mean /= sum;
  Fractions levels;
  for (const double ratio : ratios) levels.push_back(std::clamp(target - scale * (ratio - mean), 0.0, 1.0));
  return levels;
}

}  // namespace

std::vector<std::vector<double>> spread_levels(const Model& model, const PrunePlan& plan,
                                               const CalibrationOptions& options, const Context& context) {
  const std::vector<std::uint64_t> weights = weights_of(model, plan);
  const Context quiet = context.with_progress({});
  std::vector<MatrixCost> costs;
  Fractions ratios;
  if (!options.statistics.empty()) {
    ratios = outlier_ratios(model, plan, StatisticsFile(options.statistics, model), options.owl_multiple, quiet);
  } else {
    const auto runner = open_runner(model, {KernelChoice::kDense}, quiet);
    CalibrationText text = read_calibration_text(model, *runner, options);
    if (options.allocation == AllocationKind::kOwl) {
      keep_own_batches(text, options, context);
      ratios = outlier_ratios(model, plan, text, options.owl_multiple, context);
    } else {
      costs = second_order_costs(model, plan, text, context);
    }
  }
  std::vector<Fractions> all;
  for (const Amount& amount : plan.options.levels) {
    const Fractions levels =
        options.allocation == AllocationKind::kOwl
            ? outlier_levels(ratios, weights, amount.fraction, options.owl_range)
            : cheapest_levels(costs, amount.fraction, amount.fraction + kRoom * (1 - amount.fraction));
    all.push_back(whole_weights(levels, weights, amount.of(plan.candidates)));
  }
  return all;
}

}  // namespace pare::calibrate
