// Which layers the timed passes multiply, on models of every kind; and that a measurement is complete.
#include "bench/work.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "pare/error.h"

namespace pare::bench {
namespace {

std::string demo(const std::string& name) { return PARE_SOURCE_DIR "/demo/models/" + name; }

std::unique_ptr<Runner> dense_runner(const Model& model) {
  InferOptions options;
  options.kernels = KernelChoice::kDense;
  return open_runner(model, options);
}

/// Weights of the parameters that `matches` and that linear layers multiply with.
template <class Matches>
double weights_of(const Model& model, const Matches& matches) {
  double weights = 0;
  for (const Parameter& parameter : model.parameters)
    if (matches(parameter)) weights += static_cast<double>(model.tensor(parameter).elements());
  return weights;
}

TEST(Work, OfADecoderIsTwiceItsWeightsAndTheHeadAtTheLastTokens) {
  const Model model = open_model(demo("gpt2-world"));
  const auto runner = dense_runner(model);
  const double body = weights_of(model, [](const Parameter& p) { return p.prunable; });
  const double head = weights_of(model, [](const Parameter& p) { return p.name.ends_with("wte.weight"); });
  const PassLayers many = prefill_layers(*runner, 3, 10), step = decode_layers(*runner);
  EXPECT_EQ(many.work.flops, 2 * (body * 30 + head * 3));
  EXPECT_EQ(step.work.flops, 2 * (body + head));
  EXPECT_EQ(step.work.bytes, 4 * (body + head));
  EXPECT_EQ(many.layers.size(), step.layers.size());
}

TEST(Work, OfAnEncoderLeavesPoolerAndHeadsOut) {
  for (const char* name : {"bert-world", "bert-world-sst2"}) {
    const Model model = open_model(demo(name));
    const auto runner = dense_runner(model);
    const double body = weights_of(model, [](const Parameter& p) { return p.prunable && p.layer >= 0; });
    EXPECT_EQ(prefill_layers(*runner, 2, 5).work.flops, 2 * body * 10) << name;
    EXPECT_TRUE(decode_layers(*runner).layers.empty()) << name;
  }
}

TEST(Work, OfPairsGoesToTheSourcesOrToTheTokenThatIsNext) {
  for (const std::string& spec : {demo("t5-world"), demo("bert-world") + "+" + demo("bert-world")}) {
    const Model model = open_model(spec);
    const auto runner = dense_runner(model);
    const auto is_memory = [](const Parameter& p) {
      return p.prunable && p.cross_attention && (p.group == Group::kAttentionK || p.group == Group::kAttentionV);
    };
    const double sources = weights_of(model, [&](const Parameter& p) {
      return (p.prunable && p.layer >= 0 && p.stack == "encoder") || is_memory(p);
    });
    EXPECT_EQ(prefill_layers(*runner, 1, 7).work.flops, 2 * sources * 7) << spec;
    const double decoder = weights_of(
        model, [&](const Parameter& p) { return p.prunable && p.layer >= 0 && p.stack == "decoder" && !is_memory(p); });
    const PassLayers step = decode_layers(*runner);
    double head = 0;
    for (const LayerUse& layer : step.layers)
      if (part_of(ModelKind::kEncoderDecoder, layer) == LayerPart::kHead)
        head += static_cast<double>(layer.in * layer.out);
    EXPECT_GE(head, static_cast<double>(runner->vocabulary()));
    EXPECT_EQ(step.work.flops, 2 * (decoder + head)) << spec;
  }
}

TEST(Work, GoesByTheParameterAndNotByNames) {
  // Names do not matter, whether or not they look like those of layers of GPT-2 and BERT.
  LayerUse inner, outer, head;
  inner.name = "decoder.layers.3.fc1.weight";
  inner.group = Group::kFeedForward;
  inner.layer = 3;
  outer.name = "patch.projection.h.weight";
  head.name = "branch.layer.weight";
  head.group = Group::kHead;
  for (const ModelKind kind : {ModelKind::kCausal, ModelKind::kEncoder, ModelKind::kEncoderDecoder}) {
    const bool encoder = kind == ModelKind::kEncoder;
    EXPECT_EQ(part_of(kind, inner), kind == ModelKind::kEncoderDecoder ? LayerPart::kDecoder : LayerPart::kBody);
    EXPECT_EQ(part_of(kind, outer), LayerPart::kOther);
    EXPECT_EQ(part_of(kind, head), encoder ? LayerPart::kOther : LayerPart::kHead);
  }
  inner.cross_attention = true;
  inner.stack = "decoder";
  inner.group = Group::kAttentionK;
  EXPECT_EQ(part_of(ModelKind::kEncoderDecoder, inner), LayerPart::kSources);
  inner.group = Group::kAttentionQ;
  EXPECT_EQ(part_of(ModelKind::kEncoderDecoder, inner), LayerPart::kDecoder);
}

TEST(MeasureSpeed, TellsEveryLevelWithItsZerosAndSizes) {
  const Model model = open_model(demo("gpt2-world"));
  BenchOptions options;
  options.pruning.levels = {Amount::percent("90")};
  options.runs = 2;
  options.steps = 3;
  options.length = 100'000;  // more than the model has positions
  const BenchResult result = measure_speed(model, options);
  ASSERT_EQ(result.levels.size(), 2U);
  EXPECT_LT(result.length, 100'000U);
  EXPECT_TRUE(result.decodes);
  const BenchLevel &dense = result.levels[0], &sparse = result.levels[1];
  EXPECT_FALSE(dense.label);
  EXPECT_EQ(sparse.label, "90");
  EXPECT_EQ(sparse.zeros, Amount::percent("90").of(sparse.weights));
  EXPECT_EQ(sparse.sizes.dense, dense.sizes.dense);
  EXPECT_LT(sparse.sizes.packed, dense.sizes.packed / 2);
  EXPECT_EQ(sparse.sparse.steps.size(), 6U);
  EXPECT_TRUE(std::is_sorted(sparse.sparse.steps.begin(), sparse.sparse.steps.end()));
  EXPECT_LT(sparse.sparse.decode_work.flops, sparse.dense.decode_work.flops / 2);
  EXPECT_GT(result.machine.flops, 0);
}

TEST(MeasureSpeed, RefusesNoWork) {
  const Model model = open_model(demo("bert-world"));
  for (std::size_t BenchOptions::*zero : {&BenchOptions::runs, &BenchOptions::length, &BenchOptions::sequences}) {
    BenchOptions options;
    options.*zero = 0;
    EXPECT_THROW(measure_speed(model, options), Error);
  }
}

}  // namespace
}  // namespace pare::bench
