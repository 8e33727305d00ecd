#include "calibrate/layer_by_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/collective.h"
#include "calibrate/rank_sums.h"
#include "pare/error.h"

namespace pare::calibrate {

LayerByLayer::LayerByLayer(const Model& model, PrunePlan& plan, const CalibrationOptions& options,
                           const Context& context)
    : model_(model),
      plan_(plan),
      context_(context),
      quiet_(context.with_progress({})),
      staged_(options.true_sequential) {
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) index_.emplace(parameter(i).name, i);
  const auto runner = open_runner(model, {KernelChoice::kDense}, quiet_);
  text_ = read_calibration_text(model, *runner, options);
  plan.calibration = text_.record;
  plan.calibration->true_sequential = staged_;
  plan.notes.insert(plan.notes.end(), text_.notes.begin(), text_.notes.end());
  keep_own_batches(text_, options, quiet_);
}

std::vector<TensorCut> LayerByLayer::run(const Level& level, std::size_t done, std::size_t all, ResumeFile* resume) {
  level_unseen_.clear();
  level_raised_.clear();
  weights_.emplace(model_, plan_.parameters);
  cuts_.assign(plan_.parameters.size(), {});
  level_ = &level;
  InferOptions infer{KernelChoice::kDense};
  infer.observer = [this](const LayerUse& linear, const Matrix& inputs) {
    speed_.operations += 2.0 * static_cast<double>(inputs.rows * linear.in) * static_cast<double>(linear.out);
    if (inputs_ && !staged_) inputs_->observe(linear, inputs, quiet_);
  };
  const auto runner = open_runner(weights_->model(), infer, quiet_);
  LayerPasses passes(*runner, text_);
  std::uint64_t stored_layers = 0;
  while (resume != nullptr && stored_layers < passes.layers() && resume->find(done, stored_layers) != nullptr)
    ++stored_layers;
  base::broadcast({&stored_layers, 1}, quiet_);
  for (std::size_t layer = 0; layer < passes.layers(); ++layer) {
    const double step = 1.0 / static_cast<double>(all * passes.layers()),
                 begin = static_cast<double>(done * passes.layers() + layer) * step;
    const Context part = context_.part(begin, begin + step, fmt::format("layer {} of {}", layer + 1, passes.layers()));
    if (layer < stored_layers) {
      if (resume != nullptr) restore(*resume->find(done, layer));
      share(resume == nullptr ? std::vector<StoredLinear>() : *resume->find(done, layer), 0);
      if (stored_layers < passes.layers()) advance(passes, layer, part);
    } else {
      prune_layer(passes, layer, part);
      if (resume != nullptr) resume->store(done, layer, finished(passes, layer));
    }
  }
  unseen_.merge(level_unseen_);
  raised_.merge(level_raised_);
  return std::move(cuts_);
}

void LayerByLayer::restore(const std::vector<StoredLinear>& linears) {
  for (const StoredLinear& linear : linears) {
    if (linear.index >= cuts_.size())
      throw Error(ErrorCode::kMismatch, model_.source, "the interrupted run had more linears");
    cuts_[linear.index] = weights_->restore(linear);
    if (linear.unseen) level_unseen_.insert(parameter(linear.index).name);
    if (linear.raised) level_raised_.insert(parameter(linear.index).name);
  }
}

StoredLinear LayerByLayer::finished(std::size_t index) const {
  StoredLinear linear;
  linear.index = index;
  linear.pruned = cuts_[index].pruned;
  linear.unseen = level_unseen_.contains(parameter(index).name);
  linear.raised = level_raised_.contains(parameter(index).name);
  const auto& bits = std::get<Mask::Bits>(cuts_[index].mask.kind());
  linear.removed = bits.removed;
  if (bits.values != nullptr) linear.values = *bits.values;
  return linear;
}

std::vector<StoredLinear> LayerByLayer::finished(const LayerPasses& passes, std::size_t layer) const {
  std::vector<StoredLinear> linears;
  for (std::size_t i = 0; i < plan_.parameters.size(); ++i)
    if (passes.holds(layer, parameter(i))) linears.push_back(finished(i));
  return linears;
}

void LayerByLayer::share(const std::vector<StoredLinear>& linears, unsigned owner) {
  if (base::group_size(quiet_) == 1) return;
  const bool owns = owner == base::group_rank(quiet_);
  base::ByteWriter writer;
  if (owns) write_linears(writer, linears);
  std::vector<std::byte> message = std::move(writer.bytes());
  base::broadcast(message, owner, quiet_);
  if (owns) return;
  const std::filesystem::path none;
  base::ByteReader reader(message, none, "message between processes");
  restore(read_linears(reader));
}

void LayerByLayer::prune_layer(LayerPasses& passes, std::size_t layer, const Context& context) {
  left_.clear();
  for (std::size_t i = 0; i < plan_.parameters.size(); ++i) {
    if (!passes.holds(layer, parameter(i))) continue;
    weights_->load(i);
    left_.insert(i);
  }
  if (staged_) {
    prune_stages(passes, layer, context);
  } else {
    prune_gathered(gather([&] { run_batches(passes, layer, false, context.part(0, 0.4)); }));
    for (const std::size_t index : left_) prune_linear(index, nullptr);
    advance(passes, layer, context.part(0.7, 1));
  }
}

void LayerByLayer::prune_stages(LayerPasses& passes, std::size_t layer, const Context& context) {
  const LinearObserver observer = [this](const LayerUse& linear, const Matrix& inputs) {
    inputs_->observe(linear, inputs, quiet_);
  };
  passes.start(layer, quiet_);
  std::uint64_t stages = passes.stages();
  base::broadcast({&stages, 1}, quiet_);  // a rank may have no batch; rank 0 has one
  const double step = 1 / static_cast<double>(stages + 1);
  for (std::size_t stage = 0; stage < stages; ++stage) {
    const Context part = context.part(step * static_cast<double>(stage), step * (static_cast<double>(stage) + 0.7));
    prune_gathered(
        gather([&] { for_batches(passes, part, [&](std::size_t i) { passes.show(stage, i, observer, quiet_); }); }));
  }
  for (const std::size_t index : left_) prune_linear(index, nullptr);
  if (layer + 1 == passes.layers()) return passes.stop();
  for_batches(passes, context.part(1 - step, 1), [&](std::size_t i) { passes.finish(i, quiet_); });
}

void LayerByLayer::prune_gathered(std::vector<SharedInputs> gathered) {
  std::vector<OwnedInputs> all = add_up_ranks(std::move(gathered), quiet_);
  for (OwnedInputs& owned : all) {
    if (owned.owner == base::group_rank(quiet_)) prune_linears(owned.inputs);
    owned.inputs.products = {};  // as large as the weights
    for (const std::string& name : owned.inputs.linears) left_.erase(index_.at(name));
  }
  if (base::group_size(quiet_) == 1) return;
  for (const OwnedInputs& owned : all) {
    std::vector<StoredLinear> linears;
    if (owned.owner == base::group_rank(quiet_))
      for (const std::string& name : owned.inputs.linears) linears.push_back(finished(index_.at(name)));
    share(linears, owned.owner);
  }
}

void LayerByLayer::advance(LayerPasses& passes, std::size_t layer, const Context& context) {
  if (layer + 1 != passes.layers()) run_batches(passes, layer, true, context);
}

void LayerByLayer::run_batches(LayerPasses& passes, std::size_t layer, bool keep, const Context& context) {
  for_batches(passes, context, [&](std::size_t i) { passes.run(layer, i, keep, quiet_); });
}

void LayerByLayer::for_batches(const LayerPasses& passes, const Context& context,
                               const std::function<void(std::size_t)>& f) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < passes.batches(); ++i) {
    context.report(static_cast<double>(i) / static_cast<double>(passes.batches()));
    f(i);
  }
  speed_.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
}

std::vector<SharedInputs> LayerByLayer::gather(const std::function<void()>& run) {
  std::set<std::string> wanted;
  for (const std::size_t index : left_) wanted.insert(parameter(index).name);
  const bool products = needs_products(plan_.options);
  inputs_.emplace(std::move(wanted), products);
  run();
  std::vector<SharedInputs> inputs = inputs_->take(model_.source);
  for (const SharedInputs& shared : inputs)
    if (products)
      speed_.operations +=
          static_cast<double>(shared.tokens) * static_cast<double>(shared.in) * static_cast<double>(shared.in + 1);
  inputs_.reset();
  return inputs;
}

void LayerByLayer::prune_linears(const SharedInputs& inputs) {
  const bool zero = std::all_of(inputs.squares.begin(), inputs.squares.end(), [](double sum) { return sum == 0; });
  std::optional<CalibratedCriterion> criterion;
  if (!zero) criterion.emplace(plan_.options, inputs, quiet_);
  for (const std::string& name : inputs.linears) {
    if (criterion && criterion->raised_damping()) level_raised_.insert(name);
    prune_linear(index_.at(name), criterion ? &*criterion : nullptr);
  }
}

void LayerByLayer::prune_linear(std::size_t index, const CalibratedCriterion* criterion) {
  context_.check();
  if (criterion == nullptr) level_unseen_.insert(parameter(index).name);
  cuts_[index] = calibrate::prune_linear(model_, plan_, *level_, index, criterion, *weights_, quiet_);
}

}  // namespace pare::calibrate
