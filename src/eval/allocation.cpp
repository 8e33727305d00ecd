// Non-uniform sparsity: from measured degradations to a level for each unit.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

#include "eval/degradation.h"
#include "pare/error.h"

namespace pare {
namespace eval {
namespace {

constexpr double kFirstStep = 0.1;  ///< of the search, as a share of all weights to move in a round
constexpr double kProbe = 0.02;     ///< by how much a unit's level is changed to see what it does

using Fractions = std::vector<double>;

/// A very large number in place of an infinite degradation. The difference of two infinite ones would be NaN, which
/// std::nth_element cannot order.
double finite(double degradation) { return std::min(degradation, 1e300); }

/// Moves fractions so that their weighted sum is the target's, those at a limit staying there.
void meet_target(Fractions& fractions, const std::vector<double>& weights, double target) {
  const double wanted = target * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (int pass = 0; pass < 100; ++pass) {
    double pruned = 0, free = 0;
    for (std::size_t i = 0; i < fractions.size(); ++i) pruned += fractions[i] * weights[i];
    const double missing = wanted - pruned;
    if (std::abs(missing) < 1e-9 * wanted + 1e-9) return;
    for (std::size_t i = 0; i < fractions.size(); ++i)
      if (missing > 0 ? fractions[i] < 1 : fractions[i] > 0) free += weights[i];
    if (free == 0) return;
    for (double& fraction : fractions)
      if (missing > 0 ? fraction < 1 : fraction > 0) fraction = std::clamp(fraction + missing / free, 0.0, 1.0);
  }
}

/// One unit's degradation against its fraction, as its lower convex hull from nothing on: (fraction, degradation).
std::vector<std::pair<double, double>> convex_curve(const SensitiveUnit& unit, const std::vector<Amount>& levels) {
  std::vector<std::pair<double, double>> points{{0, 0}}, hull;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const double fraction = levels[i].count ? static_cast<double>(*levels[i].count) / static_cast<double>(unit.weights)
                                            : levels[i].fraction;
    points.emplace_back(fraction, std::max(0.0, finite(unit.degradation[i])));
  }
  std::sort(points.begin(), points.end());
  // Beyond the last level nothing is known: as bad again as everything before.
  if (points.back().first < 1) points.emplace_back(1, 4 * points.back().second + 1e-9);
  for (const auto& point : points) {
    const auto above = [&] {
      const auto &a = hull[hull.size() - 2], &b = hull.back();
      return (b.second - a.second) * (point.first - a.first) >= (point.second - a.second) * (b.first - a.first);
    };
    while (hull.size() > 1 && above()) hull.pop_back();
    if (!hull.empty() && hull.back().first == point.first) continue;
    hull.push_back(point);
  }
  return hull;
}

/// The least sum of degradations, if they add up: pieces of convex curves are taken by their degradation a weight.
Fractions additive_fractions(const Sensitivity& sensitivity, double target) {
  struct PieceOfCurve {
    double slope;
    std::size_t unit;
    double width;
  };
  std::vector<PieceOfCurve> pieces;
  for (std::size_t i = 0; i < sensitivity.units.size(); ++i) {
    const auto curve = convex_curve(sensitivity.units[i], sensitivity.levels);
    const auto weights = static_cast<double>(sensitivity.units[i].weights);
    for (std::size_t k = 1; k < curve.size(); ++k) {
      const double width = curve[k].first - curve[k - 1].first;
      pieces.push_back({(curve[k].second - curve[k - 1].second) / (width * weights), i, width});
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const PieceOfCurve& a, const PieceOfCurve& b) { return a.slope < b.slope; });
  Fractions fractions(sensitivity.units.size());
  double left = target * static_cast<double>(sensitivity.weights);
  for (const PieceOfCurve& piece : pieces) {
    const auto weights = static_cast<double>(sensitivity.units[piece.unit].weights);
    const double taken = std::min(piece.width, left / weights);
    fractions[piece.unit] = std::min(1.0, fractions[piece.unit] + taken);
    left -= taken * weights;
  }
  return fractions;
}

/// What each unit loses under one threshold of magnitude over all of them.
Fractions global_fractions(const Model& model, const Sensitivity& sensitivity, double target, const Context& context) {
  PruneOptions options;
  if (!sensitivity.statistics.empty())  // units are not all that is pruned by default
    for (const SensitiveUnit& unit : sensitivity.units)
      for (const std::size_t parameter : unit.parameters)
        options.include.push_back(glob_of(model.parameters[parameter].name));
  options.levels = {{target, std::nullopt, "target"}};
  const PrunePlan plan = plan_pruning(model, options, context);
  Fractions fractions;
  for (const SensitiveUnit& unit : sensitivity.units) {
    std::uint64_t pruned = 0;
    for (const std::size_t parameter : unit.parameters) {
      const auto found = std::find(plan.parameters.begin(), plan.parameters.end(), parameter);
      pruned += plan.levels[0].cuts[static_cast<std::size_t>(found - plan.parameters.begin())].pruned;
    }
    fractions.push_back(static_cast<double>(pruned) / static_cast<double>(unit.weights));
  }
  return fractions;
}

class Search {
 public:
  Search(const Model& model, const Sensitivity& sensitivity, const SensitivityOptions& options, double target,
         const Context& context)
      : model_(model),
        sensitivity_(sensitivity),
        context_(context),
        degradation_(model, options, context),
        target_(target) {
    for (const SensitiveUnit& unit : sensitivity.units) weights_.push_back(static_cast<double>(unit.weights));
  }

  Allocation made(std::string name, const Fractions& fractions) {
    Allocation allocation{std::move(name), {}, fractions, 0};
    for (std::size_t i = 0; i < fractions.size(); ++i)
      allocation.sets.push_back(set_of(model_, sensitivity_.units[i], fractions[i]));
    allocation.degradation = degradation_.of(allocation.sets);
    if (!least_ || allocation.degradation < *least_) {
      least_ = allocation.degradation;
      degradation_.hold(allocation.sets);
    }
    return allocation;
  }

  /// Follows the degradation downwards: sparsity moves from units where it costs more than on average to the others.
  Allocation improve(const Allocation& start, unsigned rounds) {
    Allocation best = start;
    best.name = "searched";
    double step = kFirstStep;
    std::vector<double> price;
    bool better = true;
    for (unsigned round = 0; round < rounds; ++round) {
      if (better) price = prices(best, round, rounds);
      better = false;
      for (int halving = 0; halving < 4 && !better; ++halving, step /= 2) {
        const Allocation tried = made("searched", moved(best.levels, price, step));
        better = tried.degradation < best.degradation;
        if (better) best = tried;
      }
      if (better) step *= 3;  // the halving above has shortened it, and it may be longer next time
    }
    return best;
  }

 private:
  /// Degradation for each weight more that a unit loses.
  std::vector<double> prices(const Allocation& at, unsigned round, unsigned rounds) {
    std::vector<double> price;
    for (std::size_t i = 0; i < at.levels.size(); ++i) {
      context_.report(
          (round + static_cast<double>(i) / static_cast<double>(at.levels.size())) / static_cast<double>(rounds),
          "searching levels");
      // Downwards where there is no room above.
      const double probe = at.levels[i] + kProbe <= 1 ? kProbe : -kProbe;
      Allocation changed = at;
      changed.levels[i] = std::clamp(at.levels[i] + probe, 0.0, 1.0);
      changed.sets[i] = set_of(model_, sensitivity_.units[i], changed.levels[i]);
      price.push_back((finite(degradation_.of(changed.sets)) - finite(at.degradation)) /
                      ((changed.levels[i] - at.levels[i]) * weights_[i]));
    }
    return price;
  }

  /// Fractions after a step against the prices: cheap units lose more, dear ones less.
  Fractions moved(const Fractions& from, const std::vector<double>& price, double step) const {
    std::vector<double> sorted = price;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
    const double middle = sorted[sorted.size() / 2];
    double spread = 0;
    for (const double p : price) spread += std::abs(p - middle);
    spread /= static_cast<double>(price.size());
    Fractions to = from;
    for (std::size_t i = 0; i < to.size(); ++i) {
      const double push = spread == 0 ? 0 : std::clamp((middle - price[i]) / spread, -2.0, 2.0);
      // What is pruned to 95 % has a twentieth left to give: steps are in proportion to what there is.
      to[i] = std::clamp(from[i] + step * push * std::max(0.02, from[i] * (1 - from[i]) * 4), 0.0, 1.0);
    }
    meet_target(to, weights_, target_);
    return to;
  }

  const Model& model_;
  const Sensitivity& sensitivity_;
  const Context& context_;
  Degradation degradation_;
  double target_;
  std::optional<double> least_;  ///< degradation of the best allocation so far, whose sets are held
  std::vector<double> weights_;
};

}  // namespace
}  // namespace eval

std::vector<Allocation> allocate(const Model& model, const Sensitivity& sensitivity, const SensitivityOptions& options,
                                 const AllocationOptions& allocation, const Context& context) {
  if (!(allocation.target >= 0 && allocation.target <= 1))
    throw Error(ErrorCode::kArgument, "the target must be between 0 and 1");
  if (sensitivity.criterion != options.criterion || sensitivity.refit != options.refit)
    throw Error(ErrorCode::kArgument, "the sensitivity is that to another criterion");
  eval::Search search(model, sensitivity, options, allocation.target, context);
  std::vector<Allocation> made;
  made.push_back(search.made("uniform", eval::Fractions(sensitivity.units.size(), allocation.target)));
  made.push_back(search.made("global", eval::global_fractions(model, sensitivity, allocation.target, context)));
  made.push_back(search.made("additive", eval::additive_fractions(sensitivity, allocation.target)));
  const auto best = std::min_element(
      made.begin(), made.end(), [](const Allocation& a, const Allocation& b) { return a.degradation < b.degradation; });
  made.push_back(search.improve(*best, allocation.rounds));
  return made;
}

}  // namespace pare
