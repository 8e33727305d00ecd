#include "calibrate/dense_walk.h"

#include <fmt/format.h>

#include <set>

#include "calibrate/rank_sums.h"

namespace pare::calibrate {

DenseWalk::DenseWalk(const Model& model, const std::vector<std::size_t>& parameters, const CalibrationText& text,
                     bool products, const Context& context)
    : model_(model),
      parameters_(parameters),
      products_(products),
      weights_(model, parameters),
      quiet_(context.with_progress({})),
      runner_(open_runner(weights_.model(),
                          {KernelChoice::kDense,
                           {},
                           [this](const LayerUse& linear, const Matrix& inputs) {
                             if (inputs_) inputs_->observe(linear, inputs, quiet_);
                           }},
                          quiet_)),
      passes_(*runner_, text) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    weights_.load(i);
    index_.emplace(model.parameters[parameters[i]].name, i);
  }
}

void DenseWalk::run(const Visit& visit, const std::function<void()>& after, const Context& context) {
  for (std::size_t layer = 0; layer < passes_.layers(); ++layer) {
    const double step = 1.0 / static_cast<double>(passes_.layers()), begin = static_cast<double>(layer) * step;
    const Context part =
        context.part(begin, begin + step, fmt::format("levels, layer {} of {}", layer + 1, passes_.layers()));
    std::set<std::string> wanted;
    for (const std::size_t parameter : parameters_)
      if (passes_.holds(layer, model_.parameters[parameter])) wanted.insert(model_.parameters[parameter].name);
    inputs_ = std::make_unique<LayerInputs>(std::move(wanted), products_);
    for (std::size_t i = 0; i < passes_.batches(); ++i) {
      part.report(0.3 * static_cast<double>(i) / static_cast<double>(passes_.batches()));
      passes_.run(layer, i, true, quiet_);
    }
    const std::vector<SharedInputs> shared = squares_of_ranks(inputs_->take(model_.source), quiet_);
    inputs_.reset();
    for (std::size_t i = 0; i < shared.size(); ++i) {
      const double width = 0.7 / static_cast<double>(shared.size()), from = 0.3 + width * static_cast<double>(i);
      visit(shared[i], part.part(from, from + width));
    }
    after();
  }
}

}  // namespace pare::calibrate
