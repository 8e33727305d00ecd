// Separate levels for sets of tensors, and the file of levels; models pruned in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/error.h"
#include "pare/prune.h"
#include "support/files.h"

namespace pare {
namespace {

using testing::HasSubstr;

Model demo() { return open_model(std::string(PARE_SOURCE_DIR) + "/demo/models/gpt2-world"); }

PruneSet set(std::string name, std::vector<std::string> tensors, double fraction) {
  return {std::move(name), std::move(tensors), {fraction, std::nullopt, ""}};
}

std::uint64_t zeros_in(const TensorView& tensor) {
  std::uint64_t zeros = 0;
  for (std::size_t i = 0; i < tensor.bytes.size(); i += 4)
    zeros += std::all_of(tensor.bytes.begin() + static_cast<std::ptrdiff_t>(i),
                         tensor.bytes.begin() + static_cast<std::ptrdiff_t>(i) + 4,
                         [](std::byte byte) { return byte == std::byte{0}; });
  return zeros;
}

TEST(Sets, LoseTheirAmountWithAThresholdEach) {
  const Model model = demo();
  PruneOptions options;
  options.sets = {set("a", {"h.0.*.c_*.weight"}, 0.25), set("b", {"h.3.mlp.c_fc.weight"}, 0.9)};
  const PrunePlan plan = plan_pruning(model, options);
  ASSERT_EQ(plan.parameters.size(), 5U);
  const std::vector<TensorCut>& cuts = plan.levels.at(0).cuts;
  EXPECT_EQ(cuts[0].pruned + cuts[1].pruned + cuts[2].pruned + cuts[3].pruned, 110'592U / 4);
  EXPECT_EQ(cuts[4].pruned, 33'178U);  // round(0.9 * 36,864)
  const Model pruned = pruned_model(model, plan, 0);
  for (const Parameter& parameter : pruned.parameters) {
    std::uint64_t expected = zeros_in(model.tensor(parameter));
    for (std::size_t i = 0; i < plan.parameters.size(); ++i)
      if (model.parameters[plan.parameters[i]].name == parameter.name) expected = cuts[i].zeros;
    EXPECT_EQ(zeros_in(pruned.tensor(parameter)), expected) << parameter.name;
  }
}

std::string failure_of(std::vector<PruneSet> sets) {
  PruneOptions options;
  options.sets = std::move(sets);
  return test::error_of([&] { plan_pruning(demo(), options); });
}

TEST(Sets, MustNotOverlapNorMissWhatTheyName) {
  EXPECT_THAT(failure_of({set("a", {"h.0.*.c_*.weight"}, 0.5), set("b", {"h.0.mlp.c_fc.weight"}, 0.5)}),
              HasSubstr("both 'a' and 'b' of the levels take h.0.mlp.c_fc.weight"));
  EXPECT_THAT(failure_of({set("a", {"h.9.*"}, 0.5)}), HasSubstr("no parameter matches 'h.9.*'"));
}

std::string failure_of_file(const std::string& text) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "levels.json", text);
  return test::error_of([&] { read_levels(directory / "levels.json"); });
}

TEST(LevelsFile, IsRefusedWithTheEntryThatIsWrong) {
  EXPECT_THAT(failure_of_file("{"), HasSubstr("levels.json: is not valid JSON"));
  EXPECT_THAT(failure_of_file("[]"), HasSubstr("is not a JSON object"));
  EXPECT_THAT(failure_of_file(R"({"levels": []})"), HasSubstr("has no level"));
  EXPECT_THAT(failure_of_file(R"({"levels": [{"tensors": ["a"], "percent": 1}, 7]})"),
              HasSubstr("levels[1]: is not an object"));
  EXPECT_THAT(failure_of_file(R"({"levels": [{"percent": 1}]})"), HasSubstr("levels[0]: has no list 'tensors'"));
  EXPECT_THAT(failure_of_file(R"({"levels": [{"tensors": ["a"], "percent": 101}]})"),
              HasSubstr("101 is not a percentage"));
  EXPECT_THAT(failure_of_file(R"({"levels": [{"tensors": ["a"]}]})"), HasSubstr("has no number 'percent'"));
}

TEST(GlobOf, MatchesTheNameAlone) {
  for (const char* name : {"h.0.w", "a[0]*?", "]["}) EXPECT_TRUE(glob_match(glob_of(name), name)) << name;
  EXPECT_FALSE(glob_match(glob_of("a*"), "ab"));
}

}  // namespace
}  // namespace pare
