// Weights that files hold under two names are pruned under both.
#include <gtest/gtest.h>

#include "pare/prune.h"
#include "unit/model/model_files.h"

namespace pare::test {
namespace {

TEST(Ties, ArePrunedInBothCopies) {
  TemporaryDirectory directory;
  std::vector<Stored> stored = tiny_gpt2("transformer.");
  stored.push_back({"lm_head.weight", {5, 4}, 1});
  write_model(directory / "model", stored, R"({"model_type": "gpt2"})");
  const Model model = open_model((directory / "model").string());
  PruneOptions options;
  options.levels = {Amount::percent("50")};
  options.groups = {Group::kEmbedding};
  const PrunePlan plan = plan_pruning(model, options);
  const Model in_memory = pruned_model(model, plan, 0);
  write_pruned(model, plan, directory / "out");
  const Checkpoint written = Checkpoint::open((directory / "out").string());
  for (const Checkpoint* checkpoint : {&in_memory.checkpoint, &written}) {
    const TensorView &words = *checkpoint->find("transformer.wte.weight"),
                     &output = *checkpoint->find("lm_head.weight");
    EXPECT_TRUE(pare::model::same_tensor(words, output));
    EXPECT_FALSE(pare::model::same_tensor(words, *model.checkpoint.find("lm_head.weight")));
  }
}

}  // namespace
}  // namespace pare::test
