// GGUF files: values of every type against the PyPI package gguf (tests/golden/make_gguf_blocks.py), metadata, and
// split models.
#include "support/gguf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "checkpoint/gguf/gguf_metadata.h"
#include "checkpoint/gguf/gguf_types.h"
#include "kernels/targets.h"
#include "pare/checkpoint.h"
#include "pare/error.h"
#include "support/files.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using test::GgufBuilder;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

struct GoldenBlocks {
  const checkpoint::GgufType* type;
  std::string blocks, values;
};

std::vector<GoldenBlocks> golden_blocks() {
  const fs::path path = fs::path(PARE_SOURCE_DIR) / "tests/golden/gguf_blocks.json";
  std::vector<GoldenBlocks> all;
  for (const auto& one : nlohmann::json::parse(test::read_text(path)))
    for (std::uint32_t id = 0; id < 64; ++id)
      if (const auto* type = checkpoint::find_gguf_type(id); type != nullptr && type->name == one["type"])
        all.push_back({type, from_hex(one["blocks"]), from_hex(one["values"])});
  return all;
}

TEST(Gguf, ValuesAreThoseOfTheReferenceOnEveryInstructionSet) {
  const std::vector<GoldenBlocks> golden = golden_blocks();
  ASSERT_EQ(golden.size(), 15U);
  for (const std::string& target : kernels::supported_targets()) {
    kernels::force_target("");
    ASSERT_TRUE(kernels::force_target(target));
    for (const GoldenBlocks& one : golden) {
      SCOPED_TRACE(target + " " + std::string(one.type->name));
      std::vector<float> values(one.values.size() / sizeof(float));
      kernels::decode_blocks(one.type->block, reinterpret_cast<const std::byte*>(one.blocks.data()),
                             one.blocks.size() / one.type->block_bytes(), values.data());
      EXPECT_EQ(std::memcmp(values.data(), one.values.data(), one.values.size()), 0);
    }
  }
  kernels::force_target("");
}

TEST(Gguf, TensorsHaveTheirValuesShapesAndOrder) {
  const test::TemporaryDirectory room;
  for (const std::uint32_t version : {2U, 3U}) {
    GgufBuilder builder(version);
    for (const GoldenBlocks& one : golden_blocks()) {
      const std::uint64_t blocks = one.blocks.size() / one.type->block_bytes();
      builder.tensor(std::string(one.type->name), one.type->id, {one.type->block_elements(), blocks}, one.blocks);
    }
    builder.tensor("numbers", 0, {3},
                   GgufBuilder::number(1.5F) + GgufBuilder::number(-2.0F) + GgufBuilder::number(0.0F));
    builder.tensor("integers", 26, {1, 2}, GgufBuilder::number(7) + GgufBuilder::number(-1));
    test::write_text(room / "any.name", builder.file());
    const Checkpoint checkpoint = Checkpoint::open((room / "any.name").string());
    ASSERT_EQ(checkpoint.tensors().size(), 17U);
    EXPECT_EQ(checkpoint.files()[0].output_name, "model.safetensors");
    EXPECT_EQ(checkpoint.find("integers")->dtype, DType::kI32);
    EXPECT_EQ(checkpoint.find("integers")->shape, (std::vector<std::uint64_t>{2, 1}));
    EXPECT_EQ(checkpoint.find("numbers")->bytes.encoded(), nullptr);
    for (const GoldenBlocks& one : golden_blocks()) {
      const TensorView& tensor = *checkpoint.find(one.type->name);
      EXPECT_EQ(tensor.bytes.encoded()->stored_type(), one.type->name);
      EXPECT_EQ(tensor.bytes.encoded()->stored_bytes(), one.blocks.size());
      std::vector<std::byte> part(21);  // within a block
      tensor.bytes.read(70, part);
      EXPECT_EQ(std::memcmp(part.data(), one.values.data() + 70, part.size()), 0);
      ASSERT_EQ(tensor.bytes.size(), one.values.size());
      EXPECT_EQ(std::memcmp(tensor.bytes.data(), one.values.data(), one.values.size()), 0);
    }
  }
}

TEST(Gguf, MetadataHaveTheirTypes) {
  const test::TemporaryDirectory room;
  GgufBuilder builder;
  builder.add("text", std::string("a\nb"));
  builder.add("count", std::uint32_t{4'000'000'000});
  builder.add("rate", 0.1F);
  builder.add("flag", true);
  builder.add("words", std::vector<std::string>{"x", "", "yz"});
  builder.add("ids", std::vector<std::int32_t>{1, -2});
  builder.add("scores", std::vector<float>{0.5F});
  test::write_text(room / "a.gguf", builder.file());
  const Checkpoint checkpoint = Checkpoint::open((room / "a.gguf").string());
  const checkpoint::GgufMetadata& metadata = *checkpoint.gguf();
  EXPECT_EQ(metadata.text("text"), "a\nb");
  EXPECT_EQ(metadata.integer("count"), 4'000'000'000);
  EXPECT_EQ(metadata.number("rate"), static_cast<double>(0.1F));
  EXPECT_EQ(metadata.boolean("flag"), true);
  EXPECT_EQ(metadata.texts("words"), (std::vector<std::string_view>{"x", "", "yz"}));
  EXPECT_EQ(metadata.integers("ids"), (std::vector<std::int64_t>{1, -2}));
  EXPECT_EQ(metadata.numbers("scores"), (std::vector<double>{0.5}));
  EXPECT_EQ(metadata.text("missing"), std::nullopt);
  EXPECT_EQ(test::error_of([&] { metadata.text("count"); }),
            (room / "a.gguf").string() + ": the metadata value 'count' is not a text");
  EXPECT_THROW(metadata.integer("ids"), Error);
  EXPECT_THROW(metadata.integers("scores"), Error);
}

void write_part(const fs::path& path, std::uint16_t number, std::uint16_t count, const std::string& tensor) {
  GgufBuilder builder;
  builder.add("split.no", number);
  builder.add("split.count", count);
  builder.tensor(tensor, 0, {1}, GgufBuilder::number(1.0F * number));
  test::write_text(path, builder.file());
}

TEST(Gguf, SplitModelsAreReadTogether) {
  const test::TemporaryDirectory room;
  const fs::path first = room / "m-00001-of-00002.gguf", second = room / "m-00002-of-00002.gguf";
  write_part(first, 0, 2, "a");
  EXPECT_NE(test::error_of([&] { Checkpoint::open(first.string()); }).find("needs 'm-00002-of-00002.gguf'"),
            std::string::npos);
  write_part(second, 1, 2, "b");
  for (const fs::path& path : {first, room.path()}) {
    const Checkpoint checkpoint = Checkpoint::open(path.string());
    EXPECT_EQ(checkpoint.tensors().size(), 2U);
    EXPECT_EQ(checkpoint.files()[1].output_name, "model-00002-of-00002.safetensors");
  }
  EXPECT_NE(test::error_of([&] { Checkpoint::open(second.string()); }).find("is part 2 of 2 (expected the first"),
            std::string::npos);
  write_part(second, 0, 2, "b");
  EXPECT_NE(test::error_of([&] { Checkpoint::open(first.string()); }).find("is part 1 of 2 by its metadata"),
            std::string::npos);
  write_part(room / "alone.gguf", 0, 2, "a");
  EXPECT_NE(test::error_of([&] { Checkpoint::open((room / "alone.gguf").string()); }).find("expected a name that ends"),
            std::string::npos);
}

}  // namespace
}  // namespace pare
