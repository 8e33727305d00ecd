// Scores of a model at the levels of a study.
#include "report/study_eval.h"

#include <gtest/gtest.h>

#include "pare/error.h"

namespace pare::report {
namespace {

const std::string kDemo = std::string(PARE_SOURCE_DIR) + "/demo/";

class TaskCurves : public testing::Test {
 protected:
  TaskCurves() : model_(open_model(kDemo + "models/gpt2-world")) {
    EvalOptions options;
    options.data = kDemo + "heldout/lm.txt";
    options.limit = 2;
    options.context = 64;
    for (const Task task : {Task::kPerplexity, Task::kMaskedLm, Task::kDivergence}) {
      options.task = task;
      tasks_.push_back(options);
    }
    PruneOptions pruning;
    pruning.levels = {Amount::percent("50"), Amount::percent("90")};
    plan_ = plan_pruning(model_, pruning);
  }

  std::vector<TaskCurve> curves() const { return task_curves(model_, plan_, tasks_, {}); }

  Model model_;
  std::vector<EvalOptions> tasks_;
  PrunePlan plan_;
};

TEST_F(TaskCurves, HoldWhatEvaluateSaysOfEveryLevel) {
  double last = 0;
  const std::vector<TaskCurve> found = task_curves(model_, plan_, tasks_, Context(0, [&](const Progress& progress) {
                                                     EXPECT_GE(progress.fraction, last);
                                                     EXPECT_LE(progress.fraction, 1);
                                                     last = progress.fraction;
                                                   }));
  EXPECT_EQ(last, 1);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].unsuitable, "is a decoder: masked-lm needs an encoder such as BERT");
  EXPECT_TRUE(found[1].results.rows.empty());
  for (const std::size_t task : {0U, 2U}) {
    EvalOptions options = tasks_[task];
    options.reference = &model_;
    ASSERT_EQ(found[task].results.rows.size(), 3U);
    for (std::size_t row = 0; row < 3; ++row) {
      const Evaluation alone = evaluate(row == 0 ? model_ : pruned_model(model_, plan_, row - 1), options);
      const Evaluation& here = found[task].results.rows[row].evaluation;
      EXPECT_EQ(here.tokens, alone.tokens);
      ASSERT_EQ(here.scores.size(), alone.scores.size());
      for (std::size_t i = 0; i < alone.scores.size(); ++i) EXPECT_EQ(here.scores[i].value, alone.scores[i].value);
    }
  }
}

TEST_F(TaskCurves, AreEmptyForAKindThatPareDoesNotRun) {
  model_.model_type = "mamba";
  for (const TaskCurve& curve : curves()) {
    EXPECT_EQ(curve.unsuitable, "is of a kind that pare does not run");
    EXPECT_TRUE(curve.results.rows.empty());
  }
}

TEST_F(TaskCurves, DoNotTakeADamagedModelForOneOfThatKind) {
  std::erase_if(model_.parameters, [](const Parameter& parameter) { return parameter.name == "wpe.weight"; });
  model_.missing = {"wpe.weight"};
  try {
    curves();
    ADD_FAILURE() << "a model without positions was scored";
  } catch (const Error& error) {
    EXPECT_EQ(error.tensor(), "wpe.weight");
  }
}

}  // namespace
}  // namespace pare::report
