// Opening checkpoints: a directory, a file, an index; and the properties of the opened one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/checkpoint.h"
#include "support/safetensors.h"

namespace pare {
namespace {

using test::error_of;
using test::safetensors_of;
using test::write_text;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kTorch = fs::path(PARE_SOURCE_DIR) / "tests/golden/torch";

std::vector<std::string> names_of(const Checkpoint& checkpoint) {
  std::vector<std::string> names;
  for (const TensorView& tensor : checkpoint.tensors()) names.push_back(tensor.name);
  return names;
}

class Open : public testing::Test {
 protected:
  Checkpoint open(const std::string& name = "") const { return Checkpoint::open((directory_ / name).string()); }
  std::string failure(const std::string& name = "") const {
    return error_of([&] { open(name); });
  }
  void add(const std::string& name, const std::string& tensor) const {
    write_text(directory_ / name, safetensors_of({{tensor, "xyz"}}));
  }
  void add_archive(const std::string& name) const {  // holds one tensor, "x"
    fs::create_directories((directory_ / name).parent_path());
    fs::copy_file(kTorch / "no_checksums.pt", directory_ / name);
  }
  void add_index(const std::string& name, const std::string& tensor, const std::string& shard) const {
    write_text(directory_ / name, R"({"weight_map":{")" + tensor + R"(":")" + shard + "\"}}");
  }
  test::TemporaryDirectory directory_;
};

TEST_F(Open, ADirectoryInTransformersOrderOfPreference) {
  add("model.safetensors", "single");
  add("model-00001-of-00001.safetensors", "shard");
  add_index("model.safetensors.index.json", "shard", "model-00001-of-00001.safetensors");
  add_archive("pytorch_model.bin");
  add_archive("pytorch_model-00001-of-00001.bin");
  add_index("pytorch_model.bin.index.json", "x", "pytorch_model-00001-of-00001.bin");
  add("other.safetensors", "other");
  EXPECT_EQ(open().files()[0].path, directory_ / "model.safetensors");
  fs::remove(directory_ / "model.safetensors");
  EXPECT_EQ(open().files()[0].path, directory_ / "model-00001-of-00001.safetensors");
  fs::remove(directory_ / "model.safetensors.index.json");
  EXPECT_EQ(open().files()[0].path, directory_ / "pytorch_model.bin");
  fs::remove(directory_ / "pytorch_model.bin");
  EXPECT_EQ(open().files()[0].path, directory_ / "pytorch_model-00001-of-00001.bin");
  fs::remove(directory_ / "pytorch_model.bin.index.json");
  EXPECT_EQ(failure(), directory_.path().string() +
                           "/: holds 3 checkpoint files and none has the usual name; name "
                           "the one to read");
}

TEST_F(Open, TheOnlyCheckpointOfADirectoryWhateverItsName) {
  add("diffusion.safetensors", "w");
  write_text(directory_ / "config.json", "{}");
  write_text(directory_ / "vocab.txt", "");
  fs::create_symlink("gone", directory_ / "dangling.bin");
  fs::create_directory(directory_ / "checkpoint.pt");
  EXPECT_THAT(names_of(open()), ElementsAre("w"));
}

TEST_F(Open, AFileOfAnyKind) {
  add("a.safetensors", "w");
  for (const char* name : {"a.bin", "a.pt", "a.pth"}) {
    add_archive(name);
    EXPECT_THAT(names_of(open(name)), ElementsAre("x")) << name;
    EXPECT_EQ(open(name).files()[0].output_name, "a.safetensors");
    EXPECT_TRUE(open(name).files()[0].header.empty()) << "there is no safetensors header to copy";
  }
  EXPECT_THAT(names_of(open("a.safetensors")), ElementsAre("w"));
  EXPECT_EQ(open("a.safetensors").directory(), directory_.path());
}

TEST_F(Open, NoFileOfAnotherKind) {
  write_text(directory_ / "model.onnx", "ONNX");
  EXPECT_EQ(
      failure("model.onnx"),
      (directory_ / "model.onnx").string() +
          ": is not a checkpoint (expected .safetensors, .bin, .pt, .pth, .ckpt, .pth.tar, .gguf or .index.json)");
}

TEST_F(Open, TheContentDecidesNotTheExtension) {
  for (const char* name : {"model.bin", "model.BIN", "blob", "weights.SafeTensors", "x.ckpt"}) {
    add(name, "w");
    EXPECT_THAT(names_of(open(name)), ElementsAre("w")) << name;
    EXPECT_TRUE(open(name).files()[0].output_name.ends_with(".safetensors")) << name;
  }
}

TEST_F(Open, OtherContentIsNamed) {
  for (const auto& [text, what] : {std::pair{"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"},
                                   {"<!DOCTYPE html><html>", "is a web page"},
                                   {"\n<html>", "is a web page"},
                                   {"<?xml version='1.0'?><Error>", "is a web page"},
                                   {"{\"error\": \"not found\"}", "is JSON text"},
                                   {"\x1f\x8b\x08 gzip file", "is compressed by gzip"},
                                   {"\x89HDF\r\n\x1a\n", "is an HDF5 file"}})
    for (const char* name : {"a.safetensors", "a.bin"}) {
      write_text(directory_ / name, text);
      EXPECT_THAT(failure(name), HasSubstr(what)) << name;
    }
}

TEST_F(Open, WhatATrainerSavesBesideWeightsIsNotACheckpoint) {
  add("my.safetensors", "w");
  write_text(directory_ / "training_args.bin", "x");
  write_text(directory_ / "optimizer.pt", "x");
  EXPECT_THAT(names_of(open("")), ElementsAre("w"));
}

TEST_F(Open, ShardsInOrderOfName) {
  write_text(directory_ / "model-00001-of-00002.safetensors", safetensors_of({{"z", "12"}, {"m", "3"}}));
  write_text(directory_ / "model-00002-of-00002.safetensors", safetensors_of({{"a", "4567"}}));
  write_text(directory_ / "model.safetensors.index.json",
             R"({"weight_map":{"a":"model-00002-of-00002.safetensors","m":"model-00001-of-00002.safetensors",)"
             R"("z":"model-00001-of-00002.safetensors"}})");
  for (const char* name : {"", "model.safetensors.index.json"}) {
    const Checkpoint checkpoint = open(name);
    EXPECT_THAT(names_of(checkpoint), ElementsAre("z", "m", "a"));
    ASSERT_EQ(checkpoint.files().size(), 2U);
    EXPECT_THAT(checkpoint.files()[0].tensors, ElementsAre(0, 1));
    EXPECT_THAT(checkpoint.files()[1].tensors, ElementsAre(2));
    EXPECT_EQ(checkpoint.tensors()[2].file, 1U);
    EXPECT_EQ(checkpoint.files()[1].output_name, "model-00002-of-00002.safetensors");
    EXPECT_EQ(checkpoint.find("a"), &checkpoint.tensors()[2]);
    EXPECT_EQ(checkpoint.find("b"), nullptr);
    EXPECT_EQ(test::text_of(checkpoint.find("a")->bytes), "4567");
    EXPECT_EQ(checkpoint.bytes_on_disk(), fs::file_size(directory_ / "model-00001-of-00002.safetensors") +
                                              fs::file_size(directory_ / "model-00002-of-00002.safetensors"));
    EXPECT_EQ(checkpoint.directory().lexically_normal() / "", (directory_ / "").lexically_normal());
  }
}

TEST_F(Open, ShardsOfAPyTorchModelGetSafetensorsNames) {
  add_archive("pytorch_model-00001-of-00001.bin");
  add_index("pytorch_model.bin.index.json", "x", "pytorch_model-00001-of-00001.bin");
  EXPECT_EQ(open().files()[0].output_name, "model-00001-of-00001.safetensors");
}

TEST_F(Open, TiedTensorsOfAnArchiveAreSeenTwiceAndWrittenOnce) {
  const Checkpoint checkpoint = Checkpoint::open((kTorch / "pytorch_model.bin").string());
  ASSERT_NE(checkpoint.find("head.weight"), nullptr);
  EXPECT_EQ(checkpoint.find("head.weight")->bytes.data(), checkpoint.find("embed.weight")->bytes.data());
  std::vector<std::string> written;
  for (const std::size_t index : checkpoint.files()[0].tensors) written.push_back(checkpoint.tensors()[index].name);
  EXPECT_THAT(written, testing::UnorderedElementsAre("embed.weight", "norm.weight", "norm.bias", "positions"));
  EXPECT_EQ(checkpoint.files()[0].output_name, "model.safetensors");
}

TEST_F(Open, AFileInTheWorkingDirectory) {
  add("model.safetensors", "w");
  write_text(directory_ / "config.json", "{}");
  const fs::path before = fs::current_path();
  fs::current_path(directory_.path());
  EXPECT_EQ(Checkpoint::open("model.safetensors").directory(), ".");
  EXPECT_EQ(Checkpoint::open("model.safetensors").config_text(), "{}");
  EXPECT_THAT(names_of(Checkpoint::open(".")), ElementsAre("w"));
  fs::current_path(before);
}

TEST_F(Open, ACopyKeepsTheBytesMapped) {
  add("model.safetensors", "w");
  std::optional<Checkpoint> checkpoint = open();
  const Checkpoint copy = *checkpoint;
  checkpoint.reset();
  fs::remove(directory_ / "model.safetensors");
  EXPECT_EQ(test::text_of(copy.find("w")->bytes), "xyz");
}

TEST_F(Open, ConfigIsTheTextAsItIs) {
  add("model.safetensors", "w");
  EXPECT_EQ(open().config_text(), std::nullopt);
  write_text(directory_ / "config.json", "{ no JSON");
  EXPECT_EQ(open().config_text(), "{ no JSON");
  fs::remove(directory_ / "config.json");
  fs::create_symlink("config.json", directory_ / "config.json");
  const Checkpoint checkpoint = open();
  EXPECT_THAT(error_of([&] { checkpoint.config_text(); }), HasSubstr("config.json: cannot be opened: "));
}

TEST(FromTensors, NamesAreUnique) {
  const TensorView tensor{"w", DType::kU8, {0}, {}, 0};
  EXPECT_EQ(Checkpoint::from_tensors({tensor}, {}, "here", nullptr).find("w")->name, "w");
  EXPECT_EQ(error_of([&] {
              Checkpoint::from_tensors({tensor, tensor}, {}, "here", nullptr);
            }),
            "here: tensor 'w': another file of the checkpoint holds a tensor of this name");
}

TEST_F(Open, ShardsAreWrittenUnderDistinctNames) {
  add("model.safetensors", "a");
  add_archive("pytorch_model.bin");
  write_text(directory_ / "m.safetensors.index.json",
             R"({"weight_map":{"a":"model.safetensors","x":"pytorch_model.bin"}})");
  std::vector<std::string> names;
  const Checkpoint checkpoint = open("m.safetensors.index.json");
  for (const CheckpointFile& file : checkpoint.files()) names.push_back(file.output_name);
  EXPECT_THAT(names, ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
}

TEST_F(Open, TellsThatAFileWasChanged) {
  add("model.safetensors", "a");
  const fs::path file = directory_ / "model.safetensors";
  const Checkpoint untouched = open();
  untouched.require_unchanged();
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
  EXPECT_EQ(test::file_of([&] { untouched.require_unchanged(); }), file);
  const Checkpoint truncated = open();
  fs::resize_file(file, 1);
  EXPECT_EQ(test::file_of([&] { truncated.require_unchanged(); }), file);
  fs::remove(file);
  EXPECT_EQ(test::file_of([&] { truncated.require_unchanged(); }), file);
}

}  // namespace
}  // namespace pare
