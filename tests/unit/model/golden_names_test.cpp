// Every class: rows, order and shapes are those of transformers' named_parameters().
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "unit/model/model_files.h"

namespace pare::test {
namespace {

using Json = nlohmann::ordered_json;

Json read_golden(const std::string& family) {
  std::ifstream file(std::string(PARE_SOURCE_DIR) + "/tests/golden/names/" + family + ".json");
  return Json::parse(file);
}

/// The stored tensors of a case, no two alike.
std::vector<Stored> stored_tensors(const Json& golden) {
  std::vector<Stored> stored;
  for (const Json& tensor : golden["stored"])
    stored.push_back({tensor[0], tensor[1], static_cast<unsigned char>(stored.size() + 1)});
  return stored;
}

/// (name, tensor it stands for), in order.
std::vector<std::pair<std::string, std::string>> expected_rows(const Json& golden) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Json& row : golden["parameters"]) {
    const auto index = (row.is_array() ? row[1] : row).get<std::size_t>();
    const std::string stored = golden["stored"][index][0];
    rows.emplace_back(row.is_array() ? row[0].get<std::string>() : stored, stored);
  }
  return rows;
}

std::vector<std::pair<std::string, std::string>> rows_of(const Model& model) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Parameter& parameter : model.parameters) rows.emplace_back(parameter.name, model.tensor(parameter).name);
  return rows;
}

class GoldenNames : public testing::TestWithParam<const char*> {};

TEST_P(GoldenNames, EqualNamedParameters) {
  const Json cases = read_golden(GetParam());
  for (const auto& [title, golden] : cases.items()) {
    SCOPED_TRACE(title);
    const std::string class_name = golden["class"];
    const Model model = resolve(stored_tensors(golden), golden["config"].dump(), class_name);
    EXPECT_EQ(model.architecture, class_name);
    EXPECT_EQ(rows_of(model), expected_rows(golden));
    EXPECT_EQ(model.missing, std::vector<std::string>());
    for (const LeftOut& left : model.left_out) EXPECT_EQ(left.reason, "buffer") << left.name;
  }
}

TEST_P(GoldenNames, ClassComesFromTheConfiguration) {
  const Json cases = read_golden(GetParam());
  for (const auto& [title, golden] : cases.items()) {
    SCOPED_TRACE(title);
    const std::string class_name = golden["class"];
    if (class_name.starts_with("GPT2")) continue;  // always GPT2Model
    const Model model = resolve(stored_tensors(golden), golden["config"].dump());
    EXPECT_EQ(model.architecture, class_name);
    EXPECT_EQ(rows_of(model), expected_rows(golden));
    EXPECT_EQ(model.model_type, golden["config"]["model_type"].get<std::string>());
  }
}

bool is_of_experts(const Parameter& parameter) {
  return parameter.slot >= Slot::kRouter && parameter.slot <= Slot::kExpertsDown && parameter.group != Group::kBias;
}

TEST_P(GoldenNames, OrientationsAndPrunableSetAreThoseOfLinearAndConv1D) {
  const Json cases = read_golden(GetParam());
  for (const auto& [title, golden] : cases.items()) {
    SCOPED_TRACE(title);
    std::string letters;
    for (const Parameter& parameter :
         resolve(stored_tensors(golden), golden["config"].dump(), golden["class"]).parameters) {
      const Orientation orientation = parameter.orientation;
      letters += !parameter.prunable ? '.' : orientation == Orientation::kInOut ? 'C' : 'L';
      EXPECT_EQ(orientation != Orientation::kNone, parameter.prunable || is_of_experts(parameter)) << parameter.name;
    }
    EXPECT_EQ(letters, golden["matrices"].get<std::string>());
  }
}

TEST_P(GoldenNames, GroupsFollowFromNames) {
  const Json cases = read_golden(GetParam());
  for (const auto& [title, golden] : cases.items())
    for (const Parameter& parameter :
         resolve(stored_tensors(golden), golden["config"].dump(), golden["class"]).parameters) {
      SCOPED_TRACE(title + ": " + parameter.name);
      EXPECT_EQ(parameter.group == Group::kBias, parameter.name.ends_with("bias"));
      const bool never = parameter.group == Group::kNorm || parameter.group == Group::kBias ||
                         parameter.group == Group::kEmbedding || parameter.group == Group::kPositionBias;
      const bool open = is_of_experts(parameter) || parameter.group == Group::kOther;
      EXPECT_TRUE(open || parameter.prunable != never);
    }
}

// A forward pass finds a weight by (stack, layer, slot), and its bias beside it.
TEST_P(GoldenNames, SlotsAreUnique) {
  using Place = std::tuple<std::string, int, int, Slot, bool, bool>;
  const Json cases = read_golden(GetParam());
  for (const auto& [title, golden] : cases.items()) {
    SCOPED_TRACE(title);
    std::map<Place, std::string> seen;
    for (const Parameter& parameter :
         resolve(stored_tensors(golden), golden["config"].dump(), golden["class"]).parameters) {
      if (parameter.slot == Slot::kNone) continue;
      const auto [at, first] = seen.emplace(Place{parameter.stack, parameter.layer, parameter.expert, parameter.slot,
                                                  parameter.cross_attention, parameter.group == Group::kBias},
                                            parameter.name);
      EXPECT_TRUE(first) << parameter.name << " and " << at->second;
    }
  }
}

/// Families that run: each row of a layer has a slot.
class GoldenSlots : public testing::TestWithParam<const char*> {};

TEST_P(GoldenSlots, EveryRowOfALayerHasOne) {
  const Json cases = read_golden(GetParam());
  for (const auto& [title, golden] : cases.items())
    for (const Parameter& parameter :
         resolve(stored_tensors(golden), golden["config"].dump(), golden["class"]).parameters) {
      if (parameter.layer < 0) continue;
      EXPECT_NE(parameter.slot, Slot::kNone) << title << ": " << parameter.name;
    }
}

std::string suite_name(const testing::TestParamInfo<const char*>& family) {
  std::string name = family.param;
  std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenNames,
                         testing::Values("gpt2", "bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert",
                                         "t5", "encoder-decoder", "llama", "qwen", "gemma", "mixture", "opt",
                                         "gpt_neox", "bloom", "modernbert", "mpnet", "bart", "whisper", "starcoder",
                                         "phi", "falcon", "deberta", "albert", "clip", "vision", "wav2vec2"),
                         suite_name);
INSTANTIATE_TEST_SUITE_P(Families, GoldenSlots,
                         testing::Values("gpt2", "bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert",
                                         "t5", "encoder-decoder", "llama", "qwen", "gemma", "opt", "gpt_neox", "bloom",
                                         "modernbert", "mpnet", "bart"),
                         suite_name);

/// The published configurations; the tensors have no data, because data are never read.
TEST(PublishedConfigurations, RowsOrderAndCounts) {
  const std::map<std::string, std::pair<std::size_t, std::uint64_t>> published{
      {"gpt2", {148, 124'439'808}}, {"bert", {521, 247'363'386}}, {"t5", {131, 60'506'624}}};
  const Json cases = read_golden("full");
  for (const auto& [title, golden] : cases.items()) {
    SCOPED_TRACE(title);
    std::vector<TensorView> tensors;
    std::vector<std::string> expected;
    for (const Json& row : golden["parameters"]) {
      TensorView tensor;
      tensor.name = row[0];
      tensor.shape = row[1].get<std::vector<std::uint64_t>>();
      expected.push_back(tensor.name);
      tensors.push_back(std::move(tensor));
    }
    std::reverse(tensors.begin(), tensors.end());  // the order of rows must not come from the file
    Model model{{}, {}, {}, {}, Checkpoint::from_tensors(tensors, {}, "/nowhere", nullptr), {}, {}, {}, {}, {}, {}};
    pare::model::resolve(model, pare::model::Config(golden["config"].dump(), "config.json"), golden["class"]);
    EXPECT_EQ(names_of(model), expected);
    EXPECT_EQ(model.parameters.size(), published.at(title).first);
    EXPECT_EQ(model.parameter_count(), golden["count"].get<std::uint64_t>());
    EXPECT_EQ(model.parameter_count(), published.at(title).second);
  }
}

}  // namespace
}  // namespace pare::test
