// Calls that are stopped halfway end with Interrupted, leave nothing behind, and do not affect later calls.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>

#include "pare/eval.h"
#include "pare/inspect.h"
#include "pare/pack.h"
#include "pare/prune.h"
#include "support/files.h"
#include "support/small_models.h"

namespace pare {
namespace {

const std::string kDemoFiles = PARE_SOURCE_DIR "/demo/";

PrunePlan two_levels(const Model& model, const Context& context) {
  PruneOptions options;
  options.levels = {Amount::percent("50"), Amount::percent("90")};
  return plan_pruning(model, options, context);
}

EvalOptions several_batches() {
  EvalOptions options;
  options.data = kDemoFiles + "heldout/lm.txt";
  options.limit = 40;  // several batches
  options.context = 128;
  return options;
}

class Interrupt : public testing::Test {
 protected:
  /// Makes `call` once with a context that stops itself at the first report of progress, then again with the same one
  /// after reset(), then with a new one.
  void expect_recovery(const std::function<void(const Context&, const std::filesystem::path&)>& call) {
    Context stopping;
    std::atomic<unsigned> reports{0};
    const Context context = stopping.with_progress([&](const Progress& progress) {
      ++reports;
      if (progress.fraction < 1) stopping.stop();
    });
    EXPECT_THROW(call(context, out_ / "first"), Interrupted);
    EXPECT_GT(reports, 0U);
    EXPECT_TRUE(std::filesystem::is_empty(out_.path())) << "something was left behind";
    EXPECT_THROW(call(context, out_ / "second"), Interrupted) << "a stopped context stays stopped";
    EXPECT_TRUE(std::filesystem::is_empty(out_.path())) << "something was left behind";
    EXPECT_NO_THROW(call(Context(), out_ / "other")) << "another context is not stopped";
    stopping.reset();
    EXPECT_NO_THROW(call(stopping, out_ / "again"));
  }

  const Model model_ = open_model(test::small_model("gpt2-world"));
  test::TemporaryDirectory out_;
};

TEST_F(Interrupt, OfInspect) {
  expect_recovery([&](const Context& context, const auto&) {
    const Inspection inspection = inspect(model_, {}, context);
    EXPECT_EQ(inspection.overall.stats.count, model_.parameter_count());
  });
}

TEST_F(Interrupt, OfPruning) {
  expect_recovery([&](const Context& context, const std::filesystem::path& out) {
    write_pruned(model_, two_levels(model_, context), out, {}, context);
    EXPECT_TRUE(std::filesystem::exists(out / "sparsity-90/model.safetensors"));
  });
}

TEST_F(Interrupt, OfPacking) {
  expect_recovery([&](const Context& context, const std::filesystem::path& out) {
    write_packed(model_, out, {}, context);
    EXPECT_TRUE(std::filesystem::exists(out / "model.safetensors"));
  });
}

TEST_F(Interrupt, OfEvaluation) {
  expect_recovery(
      [&](const Context& context, const auto&) { EXPECT_EQ(evaluate(model_, several_batches(), context).items, 40U); });
}

TEST_F(Interrupt, OfAScoreLeavesThePreparedTaskUsable) {
  EvalOptions options = several_batches();
  options.task = Task::kDivergence;
  options.reference = &model_;
  const Model pruned = pruned_model(model_, two_levels(model_, {}), 1);
  const Evaluation expected = evaluate(pruned, options);
  PreparedTask task(model_, options);
  expect_recovery([&](const Context& context, const auto&) {
    EXPECT_EQ(task.score(pruned, context).scores.at(0).value, expected.scores.at(0).value);
  });
}

TEST_F(Interrupt, OfOneContextLeavesARunningCallOfAnotherAlone) {
  const Context other;
  std::atomic<bool> stopped{false};
  const Context context = Context().with_progress([&](const Progress&) {
    other.stop();
    stopped = true;
  });
  EXPECT_NO_THROW(inspect(model_, {}, context));
  EXPECT_TRUE(stopped);
  EXPECT_THROW(inspect(model_, {}, other), Interrupted);
}

/// Opened from a model that is destroyed before it runs.
TEST(RunnerOwnership, ARunnerAndATaskOutliveTheirModel) {
  const auto model = std::make_unique<const Model>(open_model(test::small_model("gpt2-world")));
  const double expected = evaluate(*model, several_batches()).scores.at(0).value;
  auto gone = std::make_unique<const Model>(open_model(test::small_model("gpt2-world")));
  const auto runner = open_runner(*gone);
  PreparedTask task(*gone, several_batches());
  const Matrix before = runner->hidden_states(TokenBatch(std::vector<TokenId>{1, 2, 3}));
  gone.reset();
  EXPECT_EQ(runner->hidden_states(TokenBatch(std::vector<TokenId>{1, 2, 3})).values, before.values);
  EXPECT_EQ(task.score().scores.at(0).value, expected);
}

}  // namespace
}  // namespace pare
