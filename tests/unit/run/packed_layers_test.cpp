// Layers of packed models are made without unpacking their zeros, and give the same logits as unpacked ones.
#include <gtest/gtest.h>

#include <cstring>

#include "pare/pack.h"
#include "pare/prune.h"
#include "pare/run.h"
#include "support/files.h"

namespace pare {
namespace {

Matrix logits_of(const Model& model, const InferOptions& options, std::size_t tokens) {
  const Context context(2);
  const auto runner = open_runner(model, options, context);
  std::vector<TokenId> ids(tokens);
  for (std::size_t i = 0; i < tokens; ++i) ids[i] = static_cast<TokenId>(i * 7 % 100);
  const TokenBatch batch(ids);
  if (const auto* pair = dynamic_cast<const EncoderDecoderRunner*>(runner.get()))
    return pair->logits(pair->decode(batch, *pair->start(batch, context), context), context);
  return runner->logits(runner->hidden_states(batch, context), context);
}

class PackedLayers : public testing::TestWithParam<const char*> {};

TEST_P(PackedLayers, GiveTheLogitsOfTheUnpackedModel) {
  const test::TemporaryDirectory directory;
  const Model dense = open_model(PARE_SOURCE_DIR + std::string("/demo/models/") + GetParam());
  PruneOptions options;
  for (const char* percent : {"30", "90", "98"}) options.levels.push_back(Amount::percent(percent));
  const PrunePlan plan = plan_pruning(dense, options);
  for (std::size_t level = 0; level < plan.levels.size(); ++level) {
    const Model pruned = pruned_model(dense, plan, level);
    for (const bool zstd : {false, true}) {
      const auto path = directory.path() / (std::to_string(level) + (zstd ? "z" : "p"));
      PackOptions packing;
      packing.zstd = zstd;
      write_packed(pruned, path, packing);
      const Model packed = open_model(path.string());
      for (const KernelChoice kernels :
           {KernelChoice::kFastest, KernelChoice::kDense, KernelChoice::kSliced, KernelChoice::kMasked})
        for (const std::size_t tokens : {1U, 3U, 40U}) {
          const InferOptions how{kernels, standard_kernel_costs()};
          EXPECT_EQ(logits_of(packed, how, tokens).values, logits_of(pruned, how, tokens).values)
              << plan.levels[level].amount.label << " %, " << tokens << " tokens, kernels "
              << static_cast<int>(kernels);
        }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Demo, PackedLayers, testing::Values("gpt2-world", "bert-world", "t5-world"),
                         [](const auto& name) { return std::string(name.param, std::strcspn(name.param, "-")); });

}  // namespace
}  // namespace pare
