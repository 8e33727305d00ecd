// What files show of a model besides its names: wrappers, orientation, buffers and ties.
#include <gmock/gmock.h>

#include "unit/model/model_files.h"

namespace pare::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kGpt2 = R"({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]})";

std::vector<Stored> renamed(std::vector<Stored> stored, const std::string& prefix) {
  for (Stored& tensor : stored) tensor.name = prefix + tensor.name;
  return stored;
}

std::vector<Stored> turned(std::vector<Stored> stored) {
  for (Stored& tensor : stored)
    if (tensor.shape.size() == 2 && tensor.name.find(".c_") != std::string::npos)
      std::swap(tensor.shape[0], tensor.shape[1]);
  return stored;
}

TEST(Wrappers, AreLeftOutOfNames) {
  for (const char* prefix : {"module.", "_orig_mod.", "model.", "module._orig_mod.", "0.auto_model.", "a.b.c.",
                             "base_model.model.", "_fsdp_wrapped_module.module."})
    for (const char* config : {kGpt2, ""}) {
      const Model model = resolve(renamed(tiny_gpt2("transformer."), prefix), config);
      EXPECT_EQ(model.architecture, "GPT2Model") << prefix;
      EXPECT_EQ(names_of(model), names_of(resolve(tiny_gpt2(), kGpt2))) << prefix;
      EXPECT_THAT(model.notes, Contains(HasSubstr("is a wrapper's and is left out"))) << prefix;
    }
}

TEST(Wrappers, InsideNamesAreLeftOutToo) {
  std::vector<Stored> stored = tiny_gpt2("transformer.");
  for (Stored& tensor : stored)
    for (const char* part : {"h.0.", "h.1."})
      if (const auto at = tensor.name.find(part); at != std::string::npos)
        tensor.name.insert(at + 4, "_checkpoint_wrapped_module.");
  EXPECT_EQ(resolve(stored, kGpt2).parameters.size(), tiny_gpt2().size());
}

TEST(Wrappers, NamesOfTheClassNeedNoPrefix) {
  EXPECT_THAT(resolve(tiny_gpt2("transformer."), kGpt2).notes, IsEmpty());
  // All names begin with "h.", and some of the class are missing.
  std::vector<Stored> stored = tiny_gpt2();
  std::erase_if(stored, [](const Stored& tensor) { return !tensor.name.starts_with("h."); });
  EXPECT_THAT(resolve(stored, kGpt2).notes, Not(Contains(HasSubstr("wrapper"))));
}

TEST(Orientation, OfGpt2IsConv1D) {
  for (const Parameter& parameter : resolve(tiny_gpt2(), kGpt2).parameters)
    if (parameter.prunable) {
      EXPECT_EQ(parameter.orientation, Orientation::kInOut) << parameter.name;
    }
}

TEST(Orientation, OfNanoGptIsLinear) {
  for (const bool biases : {true, false}) {  // nanoGPT has an option to leave biases out
    std::vector<Stored> stored = turned(tiny_gpt2("transformer."));
    if (!biases) std::erase_if(stored, [](const Stored& tensor) { return tensor.name.ends_with(".bias"); });
    const Model model = resolve(stored, "");
    std::size_t matrices = 0;
    for (const Parameter& parameter : model.parameters) {
      matrices += parameter.prunable;
      if (parameter.prunable) {
        EXPECT_EQ(parameter.orientation, Orientation::kOutIn) << parameter.name;
      }
    }
    EXPECT_EQ(matrices, 8U);
    EXPECT_THAT(model.notes, Contains(HasSubstr("8 matrices are stored as [out, in]")));
  }
}

/// OpenAI's first GPT, ImageGPT and the Decision Transformer have Conv1D layers and no table.
TEST(Orientation, OfUnknownClassesFollowsTheirBiases) {
  std::vector<Stored> stored = tiny_gpt2();
  stored.push_back({"predict_state.weight", {6, 4}});
  stored.push_back({"predict_state.bias", {6}});
  stored.push_back({"lm_head.weight", {5, 4}, 9});
  const Model model = resolve(stored, R"({"model_type": "decision_transformer"})");
  EXPECT_EQ(find(model, "h.0.attn.c_attn.weight")->orientation, Orientation::kInOut);
  EXPECT_EQ(find(model, "h.0.attn.c_proj.weight")->orientation, Orientation::kInOut) << "square: as the others";
  EXPECT_EQ(find(model, "h.1.mlp.c_proj.weight")->orientation, Orientation::kInOut);
  EXPECT_EQ(find(model, "predict_state.weight")->orientation, Orientation::kOutIn);
  EXPECT_EQ(find(model, "lm_head.weight")->orientation, Orientation::kOutIn);
}

TEST(Orientation, IsAssumedWithANote) {
  const Model model = resolve({{"h.0.attn.c_proj.weight", {4, 4}}}, R"({"model_type": "other"})");
  EXPECT_EQ(model.parameters[0].orientation, Orientation::kOutIn);
  EXPECT_THAT(model.notes, Contains(HasSubstr("taken as [out, in], because nothing shows")));
}

TEST(Buffers, OfUnknownModelsAreNoParameters) {
  const Model model = resolve({{"layers.0.attn.bias", {1, 1, 8, 8}},
                               {"layers.0.attn.masked_bias", {}},
                               {"layers.0.rotary_emb.inv_freq", {4}},
                               {"final_logits_bias", {1, 8}},
                               {"norm.running_mean", {4}},
                               {"norm.running_var", {4}},
                               {"layers.0.attn.c.weight", {4, 4}},
                               {"layers.0.attn.c.bias", {4}}},
                              R"({"model_type": "other"})");
  EXPECT_THAT(names_of(model), ElementsAre("layers.0.attn.c.bias", "layers.0.attn.c.weight"));
  EXPECT_EQ(reason(model, "layers.0.attn.bias"), "buffer");
}

std::vector<Stored> tiny_bert_with_head() {
  std::vector<Stored> stored;
  for (const auto& [name, shape] : std::vector<std::pair<std::string, std::vector<std::uint64_t>>>{
           {"bert.embeddings.word_embeddings.weight", {5, 4}},
           {"cls.predictions.bias", {5}},
           {"cls.predictions.transform.dense.weight", {4, 4}},
           {"cls.predictions.transform.dense.bias", {4}},
           {"cls.predictions.transform.LayerNorm.weight", {4}},
           {"cls.predictions.transform.LayerNorm.bias", {4}}})
    stored.push_back({name, shape, 1});
  return stored;
}

TEST(Classes, AFullerOneIsNamed) {
  const std::string config = R"({"model_type": "bert", "num_hidden_layers": 0, "architectures": ["BertModel"]})";
  EXPECT_THAT(resolve(tiny_bert_with_head(), config).notes,
              Contains("5 of the tensors that are not part of BertModel are those of BertForMaskedLM: "
                       "--as BertForMaskedLM reads them"));
  EXPECT_THAT(resolve(tiny_bert_with_head(), config, "BertModel").notes, Not(Contains(HasSubstr("--as"))));
}

TEST(OpenModel, PathsMayHoldPlusAndEquals) {
  TemporaryDirectory directory;
  for (const char* name : {"a+b", "a=b", "plain"}) write_model(directory / name, tiny_gpt2(), kGpt2);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  EXPECT_EQ(open_model("a+b").title, "a+b");
  EXPECT_EQ(open_model("a=b").title, "a=b");
  EXPECT_EQ(open_model("title=a=b").title, "title");
  EXPECT_EQ(open_model("title=a+b").title, "title");
  // GPT-2 cannot be composed; the message names the half that was taken.
  EXPECT_THAT(error_of([] { open_model("a+b+plain"); }), testing::StartsWith("a+b"));
  EXPECT_THAT(error_of([] { open_model("a=b+plain"); }), testing::StartsWith("a=b"));
  std::filesystem::current_path(before);
}

TEST(OpenModel, AnEmptyConfigurationIsAbsent) {
  TemporaryDirectory directory;
  write_model(directory / "m", tiny_gpt2(), " \n");
  const Model model = open_model((directory / "m/model.safetensors").string());
  EXPECT_EQ(model.architecture, "GPT2Model");
  EXPECT_THAT(model.notes, Contains("config.json is empty, and is read as if it were absent"));
}

TEST(OpenModel, AStaleSparsityConfigIsReported) {
  TemporaryDirectory directory;
  const std::string entry =
      R"("quantization_config": {"quant_method": "compressed-tensors", "sparsity_config": {"format": )";
  for (const char* format : {"sparse-24-bitmask", "dense"}) {
    const std::string config = R"({"model_type": "gpt2", )" + entry + '"' + format + "\"}}}";
    write_model(directory / format, tiny_gpt2(), config);
    const Model model = open_model((directory / format).string());
    EXPECT_THAT(model.config, Not(HasSubstr("quantization_config")));
    const auto note = Contains(HasSubstr("weights are stored as 'sparse-24-bitmask', but none is"));
    if (std::string(format) == "dense")
      EXPECT_THAT(model.notes, Not(note));
    else
      EXPECT_THAT(model.notes, note);
  }
}

TEST(OpenModel, FilesThatDescribeQuantizedWeightsAreLeftOut) {
  TemporaryDirectory directory;
  write_model(directory / "m", tiny_gpt2(), kGpt2);
  for (const char* name : {"quantize_config.json", "quant_config.json", "hf_quant_config.json", "vocab.json"})
    write_text(directory / "m" / name, "{}");
  std::vector<std::string> kept;
  for (const auto& [path, name] : open_model((directory / "m").string()).side_files) kept.push_back(name);
  EXPECT_THAT(kept, AllOf(Contains("vocab.json"), Not(Contains(HasSubstr("quant")))));
}

TEST(OpenModel, ModulesOfSentenceTransformersAreKept) {
  TemporaryDirectory directory;
  write_model(directory / "m", tiny_gpt2(), kGpt2);
  for (const char* file : {"m/modules.json", "m/1_Pooling/config.json", "m/other/config.json", "m/1/config.json"})
    write_text(directory / file, "{}");
  std::vector<std::string> names;
  for (const auto& [path, name] : open_model((directory / "m").string()).side_files) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("1_Pooling/config.json", "modules.json"));
}

TEST(OpenModel, WeightsOfModulesAreKeptAndNamed) {
  TemporaryDirectory directory;
  write_model(directory / "m", tiny_gpt2(), kGpt2);
  write_text(directory / "m/modules.json", "[]");
  write_text(directory / "m/2_Dense/model.safetensors", "weights");
  std::filesystem::resize_file(directory / "m/2_Dense/model.safetensors", 65U << 20);
  const Model model = open_model((directory / "m").string());
  EXPECT_EQ(model.side_files.front().second, "2_Dense/model.safetensors");
  EXPECT_THAT(model.notes, Contains(HasSubstr("2_Dense/model.safetensors belongs to a module")));
}

TEST(OpenModel, AnAdapterKeepsItsConfiguration) {
  TemporaryDirectory directory;
  const std::vector<Stored> stored{{"base_model.model.transformer.h.0.attn.c_attn.lora_A.weight", {2, 4}, 1},
                                   {"base_model.model.transformer.h.0.attn.c_attn.lora_B.weight", {4, 2}, 2}};
  write_model(directory / "m", stored, "");
  std::filesystem::rename(directory / "m/model.safetensors", directory / "m/adapter_model.safetensors");
  write_text(directory / "m/tokenizer.json", "{}");
  EXPECT_THAT(open_model((directory / "m").string()).side_files, IsEmpty())
      << "a file and what happens to be beside it";
  write_text(directory / "m/adapter_config.json", R"({"peft_type": "LORA"})");
  const Model model = open_model((directory / "m").string());
  EXPECT_EQ(model.parameters.size(), 2U);
  std::vector<std::string> names;
  for (const auto& [path, name] : model.side_files) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("adapter_config.json", "tokenizer.json"));
  EXPECT_THAT(model.notes, Contains(HasSubstr("PEFT adapter")));
}

TEST(OpenModel, FoldersWithWeightsAreNamed) {
  TemporaryDirectory directory;
  write_model(directory / "pipeline/unet", tiny_gpt2(), "");
  std::filesystem::rename(directory / "pipeline/unet/model.safetensors",
                          directory / "pipeline/unet/diffusion_pytorch_model.safetensors");
  write_text(directory / "pipeline/model_index.json", "{}");
  write_text(directory / "pipeline/scheduler/scheduler_config.json", "{}");
  const std::string unet = (directory / "pipeline/unet").string();
  EXPECT_THAT(error_of([&] { open_model((directory / "pipeline").string()); }),
              HasSubstr("but folders in it do: unet; name one of them, such as " + unet));
  EXPECT_EQ(open_model(unet).parameters.size(), tiny_gpt2().size());
}

/// Indices of the tensors that repeat a parameter's.
std::vector<std::string> copies_of(const Model& model, const std::string& name) {
  std::vector<std::string> names;
  for (const std::size_t copy : find(model, name)->copies) names.push_back(model.checkpoint.tensors()[copy].name);
  return names;
}

TEST(Ties, StoredUnderBothNamesAreOneParameter) {
  std::vector<Stored> stored = tiny_gpt2("transformer.");
  stored.push_back({"lm_head.weight", {5, 4}, 1});
  EXPECT_THAT(copies_of(resolve(stored, kGpt2), "wte.weight"), ElementsAre("lm_head.weight"));
  EXPECT_THAT(copies_of(resolve(stored, R"({"model_type": "other"})"), "transformer.wte.weight"),
              ElementsAre("lm_head.weight"));
}

/// What transformers keeps apart: stacks whose embeddings differ from the shared one.
TEST(Ties, StacksMayHaveEmbeddingsOfTheirOwn) {
  const std::vector<Stored> stored{{"shared.weight", {5, 4}, 1},
                                   {"encoder.embed_tokens.weight", {5, 4}, 2},
                                   {"decoder.embed_tokens.weight", {5, 4}, 1}};
  const Model model = resolve(stored, R"({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]})");
  const Parameter& own = *find(model, "encoder.embed_tokens.weight");
  EXPECT_EQ(own.slot, Slot::kWordEmbedding);
  EXPECT_EQ(own.stack, "encoder");
  EXPECT_EQ(find(model, "shared.weight")->slot, Slot::kWordEmbedding);
  EXPECT_THAT(copies_of(model, "shared.weight"), ElementsAre("decoder.embed_tokens.weight"));
}

TEST(Ties, OfUnknownEncoderDecoders) {
  const Model model = resolve({{"decoder.embed_tokens.weight", {5, 4}, 1},
                               {"encoder.embed_tokens.weight", {5, 4}, 1},
                               {"encoder.embed_positions.weight", {5, 4}, 1},
                               {"lm_head.weight", {5, 4}, 1},
                               {"shared.weight", {5, 4}, 1}},
                              R"({"model_type": "other"})");
  EXPECT_THAT(names_of(model), ElementsAre("decoder.embed_tokens.weight", "encoder.embed_positions.weight"));
  EXPECT_THAT(copies_of(model, "decoder.embed_tokens.weight"),
              ElementsAre("encoder.embed_tokens.weight", "shared.weight", "lm_head.weight"));
}

}  // namespace
}  // namespace pare::test
