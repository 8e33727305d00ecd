// Parameters stored in parts: PyTorch's prune, weight_norm and spectral_norm. Expected values are PyTorch's formulas.
#include "checkpoint/reparametrized.h"

#include <gmock/gmock.h>

#include <cmath>

#include "support/tensors.h"

namespace pare::checkpoint {
namespace {

using test::OwnedTensor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Folded {
  std::vector<OwnedTensor> owned;
  std::vector<TensorView> tensors;
  std::vector<CheckpointFile> files;
  std::vector<std::string> notes;

  explicit Folded(std::vector<OwnedTensor> from) : owned(std::move(from)), files(1) {
    static const std::byte header{};
    files[0].header = {&header, 1};
    for (const OwnedTensor& tensor : owned) {
      files[0].tensors.push_back(tensors.size());
      tensors.push_back(tensor.view());
    }
    fold_reparametrized(tensors, files, notes);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const TensorView& tensor : tensors) all.push_back(tensor.name);
    return all;
  }
};

OwnedTensor floats(const std::string& name, std::vector<std::uint64_t> shape, const std::vector<float>& values) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  return OwnedTensor(DType::kF32, std::move(shape), {bytes.begin(), bytes.end()}, name);
}

TEST(Reparametrized, PrunedWeightsAreTheProduct) {
  const Folded folded({floats("a.weight_mask", {2, 2}, {1, 0, 0, 1}), floats("a.weight_orig", {2, 2}, {1, -2, 3, -4}),
                       floats("a.bias", {1}, {5})});
  EXPECT_THAT(folded.names(), ElementsAre("a.weight", "a.bias"));
  EXPECT_THAT(test::values_of(folded.tensors[0]), ElementsAre(1, 0, 0, -4));
  EXPECT_TRUE(std::signbit(test::values_of(folded.tensors[0])[1])) << "-2 * 0 is -0, as in PyTorch";
  EXPECT_THAT(folded.files[0].tensors, ElementsAre(0, 1));
  EXPECT_TRUE(folded.files[0].header.empty()) << "the file is written anew";
  EXPECT_THAT(folded.notes, ElementsAre(HasSubstr("1 parameters are stored as weight_orig and weight_mask")));
}

TEST(Reparametrized, WeightNormAlongAnyAxis) {
  const std::vector<float> v{3, 4, 0, 5, 12, 0};
  const Folded rows({floats("weight_g", {2, 1}, {10, 26}), floats("weight_v", {2, 3}, v)});
  EXPECT_THAT(rows.names(), ElementsAre("weight"));
  EXPECT_THAT(test::values_of(rows.tensors[0]), ElementsAre(6, 8, 0, 10, 24, 0));
  const Folded columns({floats("weight_g", {1, 2}, {5, 10}), floats("weight_v", {2, 2}, {3, 0, 4, 2})});
  EXPECT_THAT(test::values_of(columns.tensors[0]), ElementsAre(3, 0, 4, 10));
  const Folded whole({floats("weight_g", {}, {10}), floats("weight_v", {2}, {3, 4})});
  EXPECT_THAT(test::values_of(whole.tensors[0]), ElementsAre(6, 8));
  const Folded modern({floats("x.parametrizations.weight.original0", {1, 1}, {10}),
                       floats("x.parametrizations.weight.original1", {1, 2}, {3, 4})});
  EXPECT_THAT(modern.names(), ElementsAre("x.weight"));
  EXPECT_THAT(test::values_of(modern.tensors[0]), ElementsAre(6, 8));
}

TEST(Reparametrized, SpectralNorm) {
  // u W v = (1, 0) [[2, 4], [6, 8]] (0, 1) = 4
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"weight_orig", "weight_u", "weight_v"},
        {"parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"}}) {
    const Folded folded(
        {floats(names[0], {2, 2}, {2, 4, 6, 8}), floats(names[1], {2}, {1, 0}), floats(names[2], {2}, {0, 1})});
    EXPECT_THAT(folded.names(), ElementsAre("weight"));
    EXPECT_THAT(test::values_of(folded.tensors[0]), ElementsAre(0.5, 1, 1.5, 2));
  }
}

TEST(Reparametrized, AnotherParametrizationIsNotApplied) {
  const Folded folded({floats("x.parametrizations.weight.original", {2}, {1, 2})});
  EXPECT_THAT(folded.names(), ElementsAre("x.weight"));
  EXPECT_THAT(test::values_of(folded.tensors[0]), ElementsAre(1, 2));
  EXPECT_THAT(folded.notes, ElementsAre(HasSubstr("which is not applied")));
}

TEST(Reparametrized, OtherNamesAndShapesAreLeftAlone) {
  for (const std::vector<OwnedTensor>& parts : std::vector<std::vector<OwnedTensor>>{
           {floats("weight_orig", {2}, {1, 2}), floats("weight_mask", {1}, {1})},
           {floats("weight_orig", {2}, {1, 2}), floats("weight_mask", {2}, {1, 1}), floats("weight", {2}, {1, 1})},
           {floats("weight_g", {3, 1}, {1, 2, 3}), floats("weight_v", {2, 2}, {1, 2, 3, 4})},
           {floats("weight_g", {2, 2}, {1, 2, 3, 4}), floats("weight_v", {2, 2}, {1, 2, 3, 4})},
           {floats("attn_g", {2, 1}, {1, 2}), floats("attn_v", {2, 1}, {1, 2})},
           {floats("pos_conv_embed.conv.weight_g", {1, 1}, {1}), floats("pos_conv_embed.conv.weight_v", {1, 1}, {1})},
           {floats("weight_orig", {2, 2}, {1, 2, 3, 4}), floats("weight_u", {2}, {1, 0}),
            floats("weight_v", {3}, {0, 1, 2})}}) {
    std::vector<std::string> before;
    for (const OwnedTensor& part : parts) before.push_back(part.view().name);
    const Folded folded(parts);
    EXPECT_EQ(folded.names(), before);
    EXPECT_THAT(folded.notes, IsEmpty());
    EXPECT_FALSE(folded.files[0].header.empty());
  }
}

}  // namespace
}  // namespace pare::checkpoint
