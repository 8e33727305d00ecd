// Times dense and sparse runs in turns, level by level.
#include "pare/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/parallel.h"
#include "bench/compressed_size.h"
#include "bench/loading.h"
#include "bench/passes.h"
#include "bench/process_memory.h"
#include "bench/scratch.h"
#include "bench/statistics.h"
#include "bench/work.h"
#include "pare/error.h"
#include "pare/pack.h"

namespace pare {
namespace {

using namespace bench;

void check(const BenchOptions& options) {
  if (options.sequences == 0 || options.length == 0)
    throw Error(ErrorCode::kArgument, "the prefill must have at least 1 token");
  if (options.runs == 0) throw Error(ErrorCode::kArgument, "runs must be at least 1");
  if (options.context == 0) throw Error(ErrorCode::kArgument, "the context must have at least 1 token");
}

/// Timings of one runner, one per run.
struct Turns {
  std::vector<double> prefill, decode, steps;
  void take(const Runner& runner, const BenchResult& shape, const Context& context) {
    prefill.push_back(time_prefill(runner, shape.sequences, shape.length, context));
    const std::vector<double> single = time_decode(runner, shape.context, shape.steps, context);
    decode.push_back(mean_of(single));
    steps.insert(steps.end(), single.begin(), single.end());
  }
};

class Measurement {
 public:
  Measurement(const Model& model, const BenchOptions& options, const Context& context)
      : model_(model), options_(options), context_(context), silent_(context.with_progress({})) {
    result_.model = model.title;
    result_.threads = base::thread_count(context);
    const std::optional<KernelCosts> costs = kept_kernel_costs(context);
    result_.measured_costs = costs && costs->measured;
  }

  BenchResult run() {
    tell("measuring the machine", 0);
    result_.machine = measure_machine(silent_);
    dense_ = runner_of(model_, KernelChoice::kDense);
    set_shape();
    const bool pruned = options_.pruning.prunes();
    const PrunePlan plan = plan_of(pruned);
    pieces_ = 1 + (pruned ? plan.levels.size() : 0);
    load_dense();
    add_level(model_, {}, plan.zeros_before.empty() ? 0 : zeros_of(plan), plan.candidates);
    for (std::size_t i = 0; pruned && i < plan.levels.size(); ++i) {
      const Model level = pruned_model(model_, plan, i, silent_);
      add_level(level, plan.levels[i].amount.label, plan.levels[i].zeros, plan.candidates);
    }
    return std::move(result_);
  }

 private:
  std::unique_ptr<Runner> runner_of(const Model& model, KernelChoice kernels) const {
    InferOptions running;
    running.kernels = kernels;
    return open_runner(model, running, silent_);
  }

  void set_shape() {
    result_.decodes = kind_of(*dense_) != ModelKind::kEncoder && options_.steps != 0;
    result_.sequences = options_.sequences;
    result_.length = fitting(*dense_, options_.length);
    result_.steps = result_.decodes ? options_.steps : 0;
    result_.context = result_.decodes ? fitting_context(*dense_, options_.context, options_.steps) : 0;
    result_.runs = options_.runs;
  }

  /// A plan that changes nothing, if nothing is to be pruned. It gives the number of weights that could be pruned.
  PrunePlan plan_of(bool pruned) const {
    PruneOptions pruning = options_.pruning;
    if (!pruned) {
      pruning.pattern = {};
      pruning.levels = {Amount::percent("0")};
    }
    return plan_pruning(model_, pruning, silent_);
  }

  static std::uint64_t zeros_of(const PrunePlan& plan) {
    std::uint64_t zeros = 0;
    for (const std::uint64_t count : plan.zeros_before) zeros += count;
    return zeros;
  }

  /// Loads a copy, so that every model is loaded from the same kind of file.
  void load_dense() {
    if (!options_.sizes) return;
    tell(model_.title + ": loading", 0);
    PruneOptions nothing;
    nothing.levels = {Amount::percent("0")};
    const PrunePlan plan = plan_pruning(model_, nothing, silent_);
    in_scratch_directory([&](const std::filesystem::path& directory) {
      write_pruned(model_, plan, directory / "dense", {}, silent_);
      result_.dense_load = measure_load(directory / "dense", options_, KernelChoice::kDense, silent_);
    });
  }

  template <class F>
  void in_scratch_directory(F f) const {
    const ScratchDirectory scratch(options_.scratch_directory);
    try {
      f(scratch.path());
    } catch (const Error& error) {
      throw scratch.described(error);
    }
  }

  void measure_files(const Model& model, const std::string& name, BenchLevel& level) const {
    tell(name + ": sizes", 0);
    in_scratch_directory([&](const std::filesystem::path& directory) {
      PackOptions packing;
      const PackSummary packed = write_packed(model, directory / "packed", packing, silent_);
      level.sizes.dense = packed.dense_bytes;
      level.sizes.packed = packed.packed_bytes;
      packing.zstd = true;
      level.sizes.zstd = packed_bytes(model, packing, silent_);
      level.sizes.gzip = gzip_size(model.checkpoint, silent_);
      tell(name + ": loading", kSizesShare / 2);
      level.load = measure_load(directory / "packed", options_, KernelChoice::kFastest, silent_);
    });
  }

  void add_level(const Model& model, const std::optional<std::string>& label, std::uint64_t zeros,
                 std::uint64_t weights) {
    const std::string name = label ? fmt::format("{} at {}", model_.title, *label) : model_.title;
    BenchLevel level;
    level.label = label;
    level.zeros = zeros;
    level.weights = weights;
    if (options_.sizes) measure_files(model, name, level);
    time_level(model, name, level);
    result_.levels.push_back(std::move(level));
  }

  void time_level(const Model& model, const std::string& name, BenchLevel& level) const {
    const std::unique_ptr<Runner> sparse = runner_of(model, KernelChoice::kFastest);
    Turns dense_turns, sparse_turns, ignored;
    tell(name + ": warming up", kSizesShare);
    ignored.take(*dense_, result_, silent_);
    ignored.take(*sparse, result_, silent_);
    for (std::size_t run = 0; run < options_.runs; ++run) {
      tell(name + ": dense and sparse in turns",
           kSizesShare + (1 - kSizesShare) * static_cast<double>(run + 1) / static_cast<double>(options_.runs + 1));
      // Dense and sparse alternate in going first.
      if (run % 2 == 0) dense_turns.take(*dense_, result_, silent_);
      sparse_turns.take(*sparse, result_, silent_);
      if (run % 2 == 1) dense_turns.take(*dense_, result_, silent_);
      context_.check();
    }
    level.dense = times_of(dense_turns, *dense_);
    level.sparse = times_of(sparse_turns, *sparse);
    level.prefill_ratio = spread_of_ratios(dense_turns.prefill, sparse_turns.prefill);
    level.decode_ratio = spread_of_ratios(dense_turns.decode, sparse_turns.decode);
    level.prefill_layers = prefill_layers(*sparse, result_.sequences, result_.length).layers;
    if (result_.decodes) level.decode_layers = decode_layers(*sparse).layers;
  }

  PassTimes times_of(Turns& turns, const Runner& runner) const {
    PassTimes times;
    times.prefill = spread_of(turns.prefill);
    times.prefill_work = prefill_layers(runner, result_.sequences, result_.length).work;
    if (!result_.decodes) return times;
    times.decode = spread_of(turns.decode);
    std::sort(turns.steps.begin(), turns.steps.end());
    times.steps = std::move(turns.steps);
    times.decode_work = decode_layers(runner).work;
    return times;
  }

  void tell(const std::string& step, double part) const {
    context_.report((static_cast<double>(result_.levels.size()) + part) / static_cast<double>(pieces_), step);
  }

  static constexpr double kSizesShare = 0.25;  // share of a level's time
  const Model& model_;
  const BenchOptions& options_;
  const Context& context_;
  Context silent_;  ///< the same without progress, for the steps
  BenchResult result_;
  std::unique_ptr<Runner> dense_;
  std::size_t pieces_ = 1;
};

}  // namespace

BenchResult measure_speed(const Model& model, const BenchOptions& options, const Context& context) {
  check(options);
  require_memory(model.source, needed_memory(model, options), available_memory());
  return Measurement(model, options, context).run();
}

}  // namespace pare
