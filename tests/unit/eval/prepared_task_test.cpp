// A task that is prepared once scores every model as evaluate() does.
#include <gtest/gtest.h>

#include "pare/error.h"
#include "pare/eval.h"
#include "pare/prune.h"
#include "support/errors.h"

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
