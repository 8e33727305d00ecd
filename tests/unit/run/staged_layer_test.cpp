// Layers that run stage by stage: the same states and inputs, and weights that change in between.
#include <gtest/gtest.h>

#include "pare/error.h"
#include "support/errors.h"
#include "support/layer_stages.h"

namespace pare {
namespace {

const std::string kStagedModels = PARE_SOURCE_DIR "/demo/models/";

TokenBatch two_sequences(TokenId first) {
  TokenBatch batch;
  batch.add(std::vector<TokenId>{first, 7, 19, 4, 33});
  batch.add(std::vector<TokenId>{first, 12, 5});
  return batch;
}

TEST(StagedLayer, GivesTheStatesAndInputsOfTheLayer) {
  for (const char* name : {"gpt2-world", "bert-world", "t5-world"}) {
    test::StagedModel model(open_model(kStagedModels + name), two_sequences(3), two_sequences(0));
    EXPECT_EQ(model.difference(false), "") << name;
    EXPECT_EQ(model.difference(true), "") << name;
  }
}

TEST(StagedLayer, KeepsWhatTheNextStageReads) {
  const auto runner = open_runner(open_model(kStagedModels + "gpt2-world"));
  const TokenBatch batch = two_sequences(3);
  const auto stages = runner->start_layer(batch, {}, 0);
  ASSERT_EQ(stages->count(), 4U);  // q, k and v; o; up; down
  std::vector<std::size_t> kept, columns;
  for (std::size_t stage = 0; stage < 4; ++stage) {
    stages->show(stage, [&](const LayerUse& linear, const Matrix& inputs) {
      EXPECT_EQ(inputs.rows, batch.tokens());
      EXPECT_EQ(inputs.columns, linear.in);
      columns.push_back(inputs.columns);
    });
    kept.push_back(stages->kept_bytes());
  }
  ASSERT_EQ(columns.size(), 4U);  // GPT-2 has one matrix for q, k and v
  const auto bytes = [&](std::size_t stage) { return batch.tokens() * columns[stage] * sizeof(float); };
  EXPECT_EQ(kept, (std::vector<std::size_t>{0, bytes(1), 0, bytes(3)}));
}

/// The states after the first layer, where `halved` is halved just before the stage that it belongs to ends.
std::vector<float> states_after_halving(const Model& model, Slot halved, bool forgets) {
  std::vector<std::vector<float>> weights;
  std::vector<TensorView> tensors(model.checkpoint.tensors().begin(), model.checkpoint.tensors().end());
  std::string changed;
  for (const Parameter& parameter : model.parameters) {
    if (parameter.layer != 0 || parameter.slot != halved || parameter.group == Group::kBias) continue;
    changed = parameter.name;
    TensorView& tensor = tensors[parameter.tensor];
    const auto* values = reinterpret_cast<const float*>(tensor.bytes.data());
    weights.emplace_back(values, values + tensor.elements());
    tensor.bytes = std::as_bytes(std::span(weights.back()));
  }
  EXPECT_EQ(weights.size(), 1U);
  Model own = model;
  own.checkpoint = Checkpoint::from_tensors(std::move(tensors), {}, model.checkpoint.directory(),
                                            std::make_shared<const Checkpoint>(model.checkpoint));
  const auto runner = open_runner(own, {KernelChoice::kDense});
  const TokenBatch batch = two_sequences(3);
  const auto stages = runner->start_layer(batch, {}, 0);
  for (std::size_t stage = 0; stage < stages->count(); ++stage) {
    bool found = false;
    stages->show(stage, [&](const LayerUse& linear, const Matrix&) { found |= linear.name == changed; });
    if (found)
      for (float& weight : weights.back()) weight /= 2;
    if (forgets) stages->forget();
  }
  const std::vector<float> states = [&] {
    const Matrix all = stages->finish();
    return std::vector<float>(all.values.begin(), all.values.end());
  }();
  const Matrix again = runner->run_layers(batch, {}, 0, 1);  // with the weights as they are now
  EXPECT_EQ(states, std::vector<float>(again.values.begin(), again.values.end()));
  return states;
}

TEST(StagedLayer, MultipliesByTheWeightsThatAStageEndsWith) {
  const Model model = open_model(kStagedModels + "gpt2-world");
  for (const Slot slot : {Slot::kQkv, Slot::kO, Slot::kUp, Slot::kDown}) {
    const std::vector<float> states = states_after_halving(model, slot, false);
    EXPECT_EQ(states, states_after_halving(model, slot, true));
    const Matrix before = open_runner(model)->run_layers(two_sequences(3), {}, 0, 1);
    EXPECT_NE(states, std::vector<float>(before.values.begin(), before.values.end()));
  }
}

TEST(StagedLayer, RefusesALayerThatIsNotThere) {
  const TokenBatch batch = two_sequences(3);
  const auto gpt2 = open_runner(open_model(kStagedModels + "gpt2-world")),
             t5 = open_runner(open_model(kStagedModels + "t5-world"));
  EXPECT_THAT([&] { gpt2->start_layer(batch, {}, gpt2->layer_count()); },
              test::ThrowsError(ErrorCode::kArgument, "", "", {"there is no layer"}));
  EXPECT_THAT([&] { t5->start_layer(batch, {}, 0); }, test::ThrowsError(ErrorCode::kUnsupported, "", "", {"encoder"}));
}

}  // namespace
}  // namespace pare
