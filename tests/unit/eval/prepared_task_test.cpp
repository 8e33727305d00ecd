// A task that is prepared once scores every model as evaluate() does.
#include <gtest/gtest.h>

#include "eval/kept_states.h"
#include "pare/error.h"
#include "pare/eval.h"
#include "pare/prune.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/small_models.h"

namespace pare {
namespace {

const std::string kDemo = PARE_SOURCE_DIR "/demo/";

Model pruned(const Model& model, const char* level) {
  PruneOptions pruning;
  pruning.levels = {Amount::percent(level)};
  return pruned_model(model, plan_pruning(model, pruning), 0);
}

void expect_same(const Evaluation& a, const Evaluation& b) {
  EXPECT_EQ(a.items, b.items);
  EXPECT_EQ(a.tokens, b.tokens);
  ASSERT_EQ(a.scores.size(), b.scores.size());
  for (std::size_t i = 0; i < a.scores.size(); ++i) EXPECT_EQ(a.scores[i].value, b.scores[i].value) << a.scores[i].name;
}

TEST(PreparedTask, ScoresAsEvaluateDoesAgainAndAgain) {
  const Model model = open_model(kDemo + "models/gpt2-world");
  EvalOptions options;
  options.data = kDemo + "heldout/lm.txt";
  options.limit = 3;
  options.context = 64;
  options.reference = &model;
  for (const Task task : {Task::kPerplexity, Task::kDivergence}) {
    options.task = task;
    PreparedTask prepared(model, options);
    for (const char* level : {"50", "90", "50"}) {
      const Model scored = pruned(model, level);
      expect_same(prepared.score(scored), evaluate(scored, options));
    }
    expect_same(prepared.score(), evaluate(model, options));
  }
}

/// Only block `layer` pruned.
Model pruned_layer(const Model& model, int layer, double fraction) {
  PruneSet set{"block", {}, {fraction, std::nullopt, "block"}};
  for (const std::size_t index : select_parameters(model, {}))
    if (model.parameters[index].layer == layer) set.tensors.push_back(model.parameters[index].name);
  PruneOptions pruning;
  pruning.sets = {set};
  return pruned_model(model, plan_pruning(model, pruning), 0);
}

TEST(PreparedTask, GoesOnFromSharedLayersWithTheSameScores) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "lm.txt", test::read_text(kDemo + "heldout/lm.txt").substr(0, 150));
  for (const auto& [name, tasks] :
       {std::pair{"gpt2-world", std::vector{Task::kPerplexity, Task::kWikitext, Task::kLambada, Task::kDivergence}},
        std::pair{"bert-world", std::vector{Task::kMaskedLm, Task::kDivergence}}}) {
    const Model model = open_model(test::small_model(name));
    EvalOptions options;
    options.limit = 2;
    options.context = 64;
    options.reference = &model;
    for (const Task task : tasks) {
      SCOPED_TRACE(name + std::string(" ") + std::string(task_name(task)));
      options.task = task;
      options.data = task == Task::kLambada ? kDemo + "heldout/lambada.jsonl" : (directory / "lm.txt").string();
      PreparedTask prepared(model, options);
      for (const auto& [layer, fraction] : {std::pair{0, 0.5}, {1, 0.5}, {1, 0.9}, {0, 0.9}, {1, 0.7}}) {
        const Model scored = pruned_layer(model, layer, fraction);
        EXPECT_EQ(eval::count_shared_layers(model, scored), layer);
        expect_same(prepared.score(scored), evaluate(scored, options));
      }
      expect_same(prepared.score(pruned(model, "50")), evaluate(pruned(model, "50"), options));
    }
  }
}

TEST(KeptStates, AreForgottenWhenThereIsNoRoomAndAfterAFailure) {
  const Model model = open_model(kDemo + "models/gpt2-world");
  const auto runner = open_runner(model);
  ASSERT_GE(runner->layer_count(), 2U);
  TokenBatch tokens;
  tokens.add(std::vector<TokenId>{1, 2, 3, 4});
  const Matrix expected = runner->hidden_states(tokens);
  eval::KeptStates none(0), some(1 << 20);
  const Context stopped;
  stopped.stop();
  for (int repeat = 0; repeat < 2; ++repeat) {
    EXPECT_EQ(none.hidden_states(*runner, 0, tokens, 1, {}).values, expected.values);
    EXPECT_THROW(some.hidden_states(*runner, 1, tokens, 1, stopped), Interrupted);
    EXPECT_EQ(some.hidden_states(*runner, 1, tokens, 1, {}).values, expected.values);
    EXPECT_EQ(some.hidden_states(*runner, 1, tokens, 99, {}).values, expected.values);
  }
}

TEST(CountSharedLayers, IsZeroForWhatIsOutsideTheBlocksAndForOtherModels) {
  const Model gpt2 = open_model(kDemo + "models/gpt2-world"), bert = open_model(kDemo + "models/bert-world"),
              t5 = open_model(kDemo + "models/t5-world");
  EXPECT_EQ(eval::count_shared_layers(gpt2, gpt2), open_runner(gpt2)->layer_count());
  EXPECT_EQ(eval::count_shared_layers(gpt2, bert), 0U);
  EXPECT_EQ(eval::count_shared_layers(t5, t5), 0U);
  PruneSet set{"embedding", {"wte.weight"}, {0.5, std::nullopt, "50"}};
  PruneOptions pruning;
  pruning.sets = {set};
  EXPECT_EQ(eval::count_shared_layers(gpt2, pruned_model(gpt2, plan_pruning(gpt2, pruning), 0)), 0U);
  Model other = gpt2;
  other.config += " ";
  EXPECT_EQ(eval::count_shared_layers(gpt2, other), 0U);
}

TEST(PreparedTask, RefusesAModelOfAnotherKind) {
  const Model gpt2 = open_model(kDemo + "models/gpt2-world"), bert = open_model(kDemo + "models/bert-world");
  EvalOptions options;
  options.data = kDemo + "heldout/lm.txt";
  options.limit = 1;
  PreparedTask prepared(gpt2, options);
  EXPECT_THAT([&] { prepared.score(bert); }, test::ThrowsError(ErrorCode::kMismatch, bert.source));
}

}  // namespace
}  // namespace pare
