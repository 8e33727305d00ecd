// Tied tensors in one storage: the name that transformers declares as the source is the one kept.
#include "checkpoint/aliases.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace pare::checkpoint {
namespace {

const std::array<std::byte, 64> kStorage{};

TensorView view(const std::string& name, std::size_t offset = 0, std::vector<std::uint64_t> shape = {4},
                DType dtype = DType::kF32) {
  TensorView tensor;
  tensor.name = name;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.bytes = std::span(kStorage).subspan(offset, tensor.elements() * dtype_bits(dtype) / 8);
  return tensor;
}

using Flags = std::vector<bool>;

TEST(Aliases, OfAStorageTheFirstNameStays) {
  EXPECT_EQ(find_aliases({view("a"), view("b"), view("c", 16), view("d")}), (Flags{false, true, false, true}));
  EXPECT_EQ(find_aliases({}), Flags{});
}

TEST(Aliases, OutputLayersAreCopies) {
  EXPECT_EQ(find_aliases({view("lm_head.weight"), view("transformer.wte.weight")}), (Flags{true, false}));
  EXPECT_EQ(find_aliases({view("transformer.wte.weight"), view("lm_head.weight")}), (Flags{false, true}));
  EXPECT_EQ(find_aliases({view("cls.predictions.decoder.bias"), view("cls.predictions.bias")}), (Flags{true, false}));
  EXPECT_EQ(find_aliases({view("cls.predictions.decoder.weight"), view("bert.embeddings.word_embeddings.weight")}),
            (Flags{true, false}));
}

TEST(Aliases, T5KeepsShared) {
  EXPECT_EQ(find_aliases({view("encoder.embed_tokens.weight"), view("shared.weight"),
                          view("decoder.embed_tokens.weight"), view("lm_head.weight")}),
            (Flags{true, false, true, true}));
}

TEST(Aliases, AmongCopiesAloneTheFirstStays) {
  EXPECT_EQ(find_aliases({view("lm_head.weight"), view("decoder.embed_tokens.weight")}), (Flags{false, true}));
}

TEST(Aliases, OneStorageSeenDifferentlyIsNoAlias) {
  EXPECT_EQ(find_aliases({view("a", 0, {2, 2}), view("b", 0, {4}), view("c", 0, {4}, DType::kI32), view("d", 0, {2})}),
            (Flags{false, false, false, false}));
}

TEST(Aliases, EmptyTensorsAreNoAliases) {
  EXPECT_EQ(find_aliases({view("a", 0, {0}), view("b", 0, {0})}), (Flags{false, false}));
}

}  // namespace
}  // namespace pare::checkpoint
