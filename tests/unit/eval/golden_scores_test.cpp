// Scores of the demo models against transformers' (tests/golden/make_task_scores.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "pare/eval.h"
#include "support/files.h"

namespace pare {
namespace {

using Json = nlohmann::json;

const std::string kRoot = std::string(PARE_SOURCE_DIR) + "/";

/// The options that `pare eval` derives from a command line, except model and reference.
struct Command {
  std::string model, reference;
  EvalOptions options;
};

Command command_of(const Json& arguments) {
  Command command;
  command.model = kRoot + arguments.at(1).get<std::string>();
  EvalOptions& options = command.options;
  for (std::size_t i = 2; i + 1 < arguments.size(); i += 2) {
    const auto name = arguments[i].get<std::string>(), value = arguments[i + 1].get<std::string>();
    if (name == "--task")
      options.task = parse_task(value);
    else if (name == "--data")
      options.data = kRoot + value;
    else if (name == "--limit")
      options.limit = std::stoul(value);
    else if (name == "--protocol")
      options.protocol = value == protocol_name(Protocol::kSparseGpt) ? Protocol::kSparseGpt : Protocol::kHuggingFace;
    else if (name == "--context")
      options.context = std::stoul(value);
    else if (name == "--stride")
      options.stride = std::stoul(value);
    else if (name == "--beams")
      options.generation.beams = std::stoul(value);
    else if (name == "--length-penalty")
      options.generation.length_penalty = std::stod(value);
    else if (name == "--max-new-tokens")
      options.generation.max_new_tokens = std::stoul(value);
    else if (name == "--reference")
      command.reference = kRoot + value;
    else
      ADD_FAILURE() << "what is " << name << "?";
  }
  return command;
}

void expect_scores(const Evaluation& ours, const Json& golden) {
  EXPECT_EQ(ours.items, golden.at("items"));
  EXPECT_EQ(ours.tokens, golden.at("tokens"));
  ASSERT_FALSE(ours.scores.empty());
  for (const Score& score : ours.scores) {
    if (!golden.at("scores").contains(score.name)) continue;
    const double expected = golden.at("scores").at(score.name);
    EXPECT_NEAR(score.value, expected, 1e-4 * std::abs(expected) + 1e-7) << score.name;
  }
}

TEST(GoldenScores, OfTheDemoModelsAreTransformers) {
  const Json cases = Json::parse(test::read_text(kRoot + "tests/golden/tasks.json"));
  ASSERT_FALSE(cases.empty());
  for (const Json& one : cases) {
    SCOPED_TRACE(one.at("arguments").dump());
    Command command = command_of(one.at("arguments"));
    const Model model = open_model(command.model);
    std::optional<Model> reference;
    if (!command.reference.empty()) reference = open_model(command.reference);
    if (reference) command.options.reference = &*reference;
    expect_scores(evaluate(model, command.options), one);
  }
}

TEST(Evaluate, GivesTheSameForAnyNumberOfThreads) {
  const Model model = open_model(kRoot + "demo/models/gpt2-world");
  EvalOptions options;
  options.data = kRoot + "demo/heldout/lm.txt";
  options.limit = 3;
  const double one = evaluate(model, options, Context(1)).scores.at(0).value;
  EXPECT_EQ(evaluate(model, options, Context(3)).scores.at(0).value, one);
}

TEST(Unsuitable, SaysWhatATaskNeeds) {
  const Model gpt2 = open_model(kRoot + "demo/models/gpt2-world"), bert = open_model(kRoot + "demo/models/bert-world");
  EXPECT_FALSE(unsuitable(gpt2, Task::kLambada));
  EXPECT_EQ(unsuitable(gpt2, Task::kMaskedLm), "is a decoder: masked-lm needs an encoder such as BERT");
  EXPECT_EQ(unsuitable(bert, Task::kPerplexity), "is an encoder: perplexity needs a decoder such as GPT-2");
  EXPECT_EQ(unsuitable(bert, Task::kClassify), "has no sequence-classification head");
}

TEST(Unsuitable, IsToldOfModelsThatCannotBeOpened) {
  EvalOptions options;
  options.data = kRoot + "demo/heldout/lm.txt";
  Model model = open_model(kRoot + "demo/models/gpt2-world");
  std::erase_if(model.parameters, [](const Parameter& parameter) { return parameter.name == "wpe.weight"; });
  model.missing = {"h.0.ln_1.bias", "wpe.weight"};
  EXPECT_THROW(open_runner(model), Error);
  EXPECT_FALSE(unsuitable(model, Task::kPerplexity));
  EXPECT_EQ(unsuitable(model, Task::kMaskedLm), "is a decoder: masked-lm needs an encoder such as BERT");
  try {
    evaluate(model, options);
    ADD_FAILURE() << "a model without positions was scored";
  } catch (const Error& error) {
    EXPECT_EQ(error.tensor(), "wpe.weight");
  }
  model.model_type = "mamba";
  EXPECT_EQ(unsuitable(model, Task::kPerplexity), "is of a kind that pare does not run");
}

TEST(Traits, AreThoseOfTheRunner) {
  const std::string demo = kRoot + "demo/models/";
  for (const std::string& spec : {demo + "gpt2-world", demo + "bert-world", demo + "bert-world-sst2", demo + "t5-world",
                                  demo + "bert-world+" + demo + "bert-world"}) {
    const Model model = open_model(spec);
    const auto runner = open_runner(model);
    const std::optional<ModelTraits> traits = traits_of(model);
    ASSERT_TRUE(traits) << spec;
    EXPECT_EQ(traits->kind, kind_of(*runner)) << spec;
    const auto* encoder = dynamic_cast<const EncoderRunner*>(runner.get());
    EXPECT_EQ(traits->masked_lm_head, encoder != nullptr && encoder->has_masked_lm_head()) << spec;
    EXPECT_EQ(traits->labels, encoder == nullptr ? 0 : encoder->labels()) << spec;
  }
}

}  // namespace
}  // namespace pare
