// Models of the Hub: which files are needed, and what is found in the cache.
#include "checkpoint/hub_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <span>

#include "pare/checkpoint.h"
#include "support/errors.h"
#include "support/safetensors.h"
#include "support/variables.h"

namespace pare::checkpoint {
namespace {

using test::error_of;
using test::ScopedVariable;
using test::write_text;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class HubFiles : public testing::Test {
 protected:
  /// The files chosen of those listed. `index` is the text of any index.
  std::vector<std::string> chosen(std::initializer_list<const char*> names, const std::string& index = "") {
    std::vector<hub::ListedFile> listed;
    for (const char* name : names) listed.push_back({name, 10});
    return chosen_of(listed, index);
  }
  std::vector<std::string> chosen_of(const std::vector<hub::ListedFile>& listed, const std::string& index = "") {
    return hub_file_rules("a/b", survey_).choose(listed, [&](const std::string& name) {
      fetched_.push_back(name);
      write_text(directory_ / "index", index);
      return directory_ / "index";
    });
  }
  bool complete() { return hub_file_rules("a/b", survey_).is_complete(directory_.path()); }

  test::TemporaryDirectory directory_;
  std::vector<std::string> fetched_;
  WeightsSurvey survey_{"a/b"};
};

TEST_F(HubFiles, SafetensorsComeBeforeOtherWeights) {
  EXPECT_THAT(chosen({"README.md", "config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5", "vocab.txt",
                      "tokenizer.json", "spiece.model", ".gitattributes", "onnx/model.onnx", "chat_template.jinja"}),
              ElementsAre("config.json", "vocab.txt", "tokenizer.json", "spiece.model", "chat_template.jinja",
                          "model.safetensors"));
  EXPECT_THAT(chosen({"pytorch_model.bin", "config.json", "training_args.bin"}),
              ElementsAre("config.json", "pytorch_model.bin"));
  EXPECT_TRUE(fetched_.empty());
}

TEST_F(HubFiles, AnIndexNamesItsShardsAndComesLast) {
  const std::string index = R"({"weight_map": {"v": "model-2.safetensors", "u": "model-1.safetensors"}})";
  EXPECT_THAT(chosen({"config.json", "consolidated.safetensors", "model-1.safetensors", "model-2.safetensors",
                      "model.safetensors.index.json", "pytorch_model.bin.index.json", "pytorch_model-1.bin"},
                     index),
              ElementsAre("config.json", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json"));
  EXPECT_THAT(fetched_, ElementsAre("model.safetensors.index.json"));
  EXPECT_THAT(
      error_of([&] { chosen({"model.safetensors.index.json"}, R"({"weight_map": {"v": "../../x.safetensors"}})"); }),
      HasSubstr("not a file below the directory of the index"));
}

TEST_F(HubFiles, TheOnlyWeightsOfAnyNameServe) {
  EXPECT_THAT(chosen({"config.json", "tiny.gguf", "sub/other.gguf"}), ElementsAre("config.json", "tiny.gguf"));
  EXPECT_THAT(chosen({"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}),
              ElementsAre("m-00002-of-00002.gguf", "m-00001-of-00002.gguf"));
  EXPECT_THAT(
      [&] {
        chosen({"m.Q4_0.gguf", "m.Q8_0.gguf"});
      },
      test::ThrowsError(ErrorCode::kArgument, "a/b", "", {"2 checkpoint files", "hf download a/b m.Q4_0.gguf"}));
  EXPECT_THAT(
      [&] {
        chosen({"config.json", "model.onnx"});
      },
      test::ThrowsError(ErrorCode::kNotFound, "a/b", "", {"no weights"}));
}

TEST_F(HubFiles, FoldersWithWeightsAreNamed) {
  EXPECT_THAT(error_of([&] {
                chosen({"model_index.json", "vae/diffusion_pytorch_model.bin", "unet/x.safetensors"});
              }),
              HasSubstr("has no weights that pare reads beside its folders (unet, vae); download one of them ('hf "
                        "download a/b --include \"unet/*\"')"));
}

TEST_F(HubFiles, ModulesOfSentenceTransformersComeAlong) {
  EXPECT_THAT(chosen({"1_Pooling/config.json", "modules.json", "model.safetensors", "2_Dense/a/b", "x/config.json"}),
              ElementsAre("1_Pooling/config.json", "modules.json", "model.safetensors"));
  EXPECT_THAT(chosen({"1_Pooling/config.json", "model.safetensors"}), ElementsAre("model.safetensors"));
}

TEST_F(HubFiles, LargeTextIsLeftOut) {
  EXPECT_THAT(chosen_of({{"model.safetensors", 1ULL << 40}, {"corpus.txt", 65U << 20}}),
              ElementsAre("model.safetensors"));
  EXPECT_THAT(chosen_of({{"modules.json", 2},
                         {"2_Dense/corpus.txt", 65U << 20},
                         {"2_Dense/model.safetensors", 65U << 20},
                         {"model.safetensors", 1ULL << 40}}),
              ElementsAre("modules.json", "2_Dense/model.safetensors", "model.safetensors"));
}

TEST_F(HubFiles, ASnapshotIsCompleteWithAllShards) {
  EXPECT_FALSE(complete());
  write_text(directory_ / "tokenizer.json", "{}");
  write_text(directory_ / "config.json", "{}");
  EXPECT_FALSE(complete()) << "as after AutoTokenizer.from_pretrained()";
  write_text(directory_ / "model.safetensors.index.json", R"({"weight_map": {"a": "1.safetensors", "b": "2"}})");
  write_text(directory_ / "1.safetensors", "");
  EXPECT_FALSE(complete());
  fs::create_symlink("../blobs/absent", directory_ / "2");
  EXPECT_FALSE(complete()) << "a link without its blob";
  fs::remove(directory_ / "2");
  write_text(directory_ / "2", "");
  EXPECT_TRUE(complete());
  write_text(directory_ / "model.safetensors.index.json", "{");
  EXPECT_TRUE(complete()) << "open() says what is wrong with it";
}

TEST_F(HubFiles, ShardsWithoutTheirIndexAreNotComplete) {
  write_text(directory_ / "model-00001-of-00002.safetensors", "");
  write_text(directory_ / "model-00002-of-00002.safetensors", "");
  write_text(directory_ / "m-00002-of-00002.gguf", "");
  EXPECT_FALSE(complete()) << "as after a download that was killed before the last link";
  write_text(directory_ / "m-00001-of-00002.gguf", "");
  EXPECT_TRUE(complete());
}

TEST_F(HubFiles, HeadersTellWhatTheWeightsAre) {
  const auto add = [&](const char* name, const std::string& file) {
    survey_.add({name, file.size()}, [&](std::uint64_t begin, std::uint64_t end) {
      const auto bytes = std::as_bytes(std::span(file)).subspan(begin, end - begin);
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    });
  };
  EXPECT_FALSE(survey_.weights());
  EXPECT_EQ(survey_.text(), "");
  add("config.json", "{}");
  add("1.safetensors", test::safetensors_of({{"v", "xyz"}, {"w", std::string(2'000'000, 'x')}}));
  add("1.safetensors", "is not read twice");
  ASSERT_TRUE(survey_.weights());
  EXPECT_EQ(survey_.weights()->tensors, 2U);
  EXPECT_THAT(survey_.weights()->values, ElementsAre(testing::Pair("U8", 2'000'003U)));
  EXPECT_EQ(survey_.text(), "2 tensors, 2.0 million values");
  EXPECT_THAT(error_of([&] { add("2.safetensors", test::safetensors("{", "", 5)); }), HasSubstr("a/b/2.safetensors"));
  add("3.safetensors", "PK\3\4, as open() tells by the content");
  EXPECT_FALSE(survey_.weights());
}

class HubCheckpoint : public testing::Test {
 protected:
  fs::path add(const std::string& folder) {
    write_text(directory_ / "hub" / folder / "refs/main", "abc123");
    fs::create_directories(directory_ / "hub" / folder / "snapshots/abc123");
    return directory_ / "hub" / folder / "snapshots/abc123";
  }

  test::TemporaryDirectory directory_;
  ScopedVariable cache_{"HF_HUB_CACHE", (directory_ / "hub").string()};
  ScopedVariable offline_{"HF_HUB_OFFLINE", "1"};
};

TEST_F(HubCheckpoint, OpensASnapshotOfLinksIntoBlobs) {
  const fs::path snapshot = add("models--a--b");
  write_text(directory_ / "hub/models--a--b/blobs/0123", test::safetensors_of({{"w", "xyz"}}));
  write_text(directory_ / "hub/models--a--b/blobs/4567", "{}");
  fs::create_symlink("../../blobs/0123", snapshot / "model.safetensors");
  fs::create_symlink("../../blobs/4567", snapshot / "config.json");
  const Checkpoint checkpoint = Checkpoint::open("a/b");
  EXPECT_EQ(checkpoint.directory(), snapshot);
  EXPECT_EQ(checkpoint.config_text(), "{}");
  ASSERT_EQ(checkpoint.files().size(), 1U);
  EXPECT_EQ(checkpoint.files()[0].output_name, "model.safetensors") << "the link's name, not the blob's";
  EXPECT_EQ(test::text_of(checkpoint.find("w")->bytes), "xyz");
}

TEST_F(HubCheckpoint, ADirectoryOfThatNameComesFirst) {
  add("models--a--b");
  write_text(directory_ / "a/b/model.safetensors", test::safetensors_of({{"local", "x"}}));
  const fs::path before = fs::current_path();
  fs::current_path(directory_.path());
  EXPECT_NE(Checkpoint::open("a/b").find("local"), nullptr);
  fs::current_path(before);
}

TEST_F(HubCheckpoint, NamesOfFilesAreNotLookedForOnTheHub) {
  const ScopedVariable online("HF_HUB_OFFLINE", std::nullopt);
  const ScopedVariable endpoint("HF_ENDPOINT", "not a URL");
  for (const char* name : {"a.safetensors", "a/b.bin", "a/model.safetensors.index.json"})
    EXPECT_THAT(error_of([&] { Checkpoint::open(name); }), HasSubstr("no such file or directory")) << name;
  EXPECT_THAT(error_of([] { Checkpoint::open("a/b"); }), HasSubstr("HF_ENDPOINT"));
}

}  // namespace
}  // namespace pare::checkpoint
