// Scores of a group of processes are those of one process, bit for bit.
#include <gtest/gtest.h>

#include "eval/batch_share.h"
#include "pare/error.h"
#include "pare/eval.h"
#include "support/files.h"
#include "support/thread_group.h"

namespace pare {
namespace {

const std::string kShared = PARE_SOURCE_DIR "/demo/";

TEST(BatchShare, GivesTheNumbersOfAllBatchesInOrder) {
  for (const unsigned size : {1U, 2U, 3U, 9U})
    test::run_group(size, [](unsigned, const Context& context) {
      eval::BatchShare share(context);
      const std::vector<std::vector<double>> expected{{0, 0.1}, {}, {2}, {3, -3, 1e300}, {4}, {5}, {6}};
      for (const std::vector<double>& numbers : expected)
        if (share.takes_next()) share.add(numbers);
      EXPECT_EQ(share.all(), expected);
    });
}

TEST(BatchShare, RefusesRanksWithDifferentBatches) {
  EXPECT_THROW(test::run_group(3,
                               [](unsigned rank, const Context& context) {
                                 eval::BatchShare share(context);
                                 for (unsigned i = 0; i < 5 + rank; ++i)
                                   if (share.takes_next()) share.add({1.0});
                                 share.all();
                               }),
               Error);
}

TEST(SharedScores, AreThoseOfOneProcess) {
  const struct {
    Task task;
    const char *model, *data;
    std::size_t limit;
  } cases[] = {
      {Task::kPerplexity, "gpt2-world", "lm.txt", 40},     {Task::kWikitext, "gpt2-world", "lm.txt", 2},
      {Task::kLambada, "gpt2-world", "lambada.jsonl", 20}, {Task::kDivergence, "gpt2-world", "lm.txt", 40},
      {Task::kMaskedLm, "bert-world", "cloze.txt", 8},     {Task::kClassify, "bert-world-sst2", "sentiment.tsv", 30},
      {Task::kTextToText, "t5-world", "text2text.tsv", 20}};
  for (const auto& one : cases) {
    const Model model = open_model(kShared + "models/" + one.model);
    EvalOptions options;
    options.task = one.task;
    options.data = kShared + "heldout/" + one.data;
    options.limit = one.limit;
    if (one.task == Task::kPerplexity || one.task == Task::kDivergence) options.context = 64;
    options.reference = &model;
    const Evaluation expected = evaluate(model, options, Context(1));
    test::run_group(3, [&](unsigned, const Context& context) {
      const Evaluation found = evaluate(model, options, context);
      EXPECT_EQ(found.items, expected.items);
      EXPECT_EQ(found.tokens, expected.tokens);
      ASSERT_EQ(found.scores.size(), expected.scores.size());
      for (std::size_t i = 0; i < found.scores.size(); ++i) {
        EXPECT_EQ(found.scores[i].value, expected.scores[i].value) << one.data << " " << found.scores[i].name;
        EXPECT_EQ(found.scores[i].standard_error, expected.scores[i].standard_error);
      }
    });
  }
}

TEST(SharedScores, NeedTheSameDataOnEveryRank) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "other.txt", test::read_text(kShared + "heldout/lm.txt").substr(0, 300));
  const Model model = open_model(kShared + "models/gpt2-world");
  try {
    test::run_group(2, [&](unsigned rank, const Context& context) {
      EvalOptions options;
      options.data = rank == 1 ? (directory / "other.txt").string() : kShared + "heldout/lm.txt";
      evaluate(model, options, context);
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_TRUE(std::string(error.what()).ends_with("lm.txt: rank 1 reads other data than rank 0")) << error.what();
  }
}

}  // namespace
}  // namespace pare
