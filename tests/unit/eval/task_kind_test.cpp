#include <gtest/gtest.h>

#include "pare/eval.h"

namespace pare {
namespace {

TEST(TaskKind, NamesScoresThatExist) {
  for (std::size_t task = 0; task < task_names().size(); ++task) {
    const TaskKind& kind = task_kind(static_cast<Task>(task));
    EXPECT_NO_THROW(score_kind(kind.main_score)) << task_names()[task];
    EXPECT_NO_THROW(score_kind(kind.loss_score)) << task_names()[task];
    EXPECT_FALSE(kind.item.empty()) << task_names()[task];
  }
}

TEST(TaskKind, DerivesDegradationFromALossWhereThereIsOne) {
  EXPECT_EQ(task_kind(Task::kLambada).main_score, "accuracy");
  EXPECT_EQ(task_kind(Task::kLambada).loss_score, "perplexity");
  EXPECT_EQ(task_kind(Task::kDivergence).main_score, "top1_agreement");
  EXPECT_EQ(task_kind(Task::kDivergence).loss_score, "kl");
}

}  // namespace
}  // namespace pare
