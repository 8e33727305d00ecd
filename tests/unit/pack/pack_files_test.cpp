// Packed checkpoints on disk: read directly, and unpacked to the original bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "pare/error.h"
#include "pare/pack.h"
#include "pare/prune.h"
#include "support/errors.h"
#include "support/safetensors.h"
#include "support/tensors.h"

namespace pare {
namespace {

using test::OwnedTensor;
using test::read_text;
using test::write_text;
using testing::HasSubstr;
namespace fs = std::filesystem;

/// Bytes of a tensor, a given percentage of elements +0.
std::string sparse_data(DType dtype, std::size_t n, unsigned percent, std::uint64_t seed) {
  const OwnedTensor wild = test::random_tensor(dtype, n, seed, true);
  std::string data = test::text_of(wild.view().bytes);
  std::mt19937_64 random(seed);
  const std::size_t size = dtype_bits(dtype) / 8;
  for (std::size_t i = 0; i < n; ++i)
    if (random() % 100 < percent) std::memset(data.data() + i * size, 0, size);
  return data;
}

/// Writes safetensors files entry by entry, in any order.
class FileBuilder {
 public:
  void add(const std::string& name, const std::string& dtype, const std::string& shape, const std::string& data) {
    header_ += (header_.size() > 1 ? ", " : "") + ("\"" + name) + R"(":{"shape":)" + shape + R"(, "dtype":")" + dtype +
               R"(","data_offsets":[)" + std::to_string(data_.size()) + "," +
               std::to_string(data_.size() + data.size()) + "]}";
    data_ += data;
  }
  std::string file(const std::string& metadata = R"("__metadata__":{"format":"pt","who":"a \"test\""})") const {
    std::string header = header_;
    header += (header.size() > 1 ? "," : "") + metadata + "}  \n ";
    return test::safetensors(header, data_);
  }

 private:
  std::string header_ = "{", data_;
};

FileBuilder usual(unsigned percent) {
  FileBuilder file;
  file.add("h.0.weight", "F32", "[40,50]", sparse_data(DType::kF32, 2000, percent, 1));
  file.add("h.1.weight", "BF16", "[33,71]", sparse_data(DType::kBF16, 33 * 71, percent, 2));
  file.add("h.\\u0032.weight", "F16", "[4,5,60]", sparse_data(DType::kF16, 1200, percent, 3));
  file.add("h.3.weight", "F64", "[1000]", sparse_data(DType::kF64, 1000, percent, 4));
  file.add("h.4.weight", "F8_E4M3", "[64,64]", sparse_data(DType::kF8E4M3, 4096, percent, 5));
  file.add("h.5.weight", "F8_E5M2", "[64,65]", sparse_data(DType::kF8E5M2, 64 * 65, percent, 6));
  file.add("h.0.bias", "F32", "[3]", sparse_data(DType::kF32, 3, 0, 7));
  file.add("scale", "F32", "[]", sparse_data(DType::kF32, 1, 0, 8));
  file.add("empty", "F32", "[0,4]", "");
  file.add("mask", "BOOL", "[9]", std::string("\1\0\0\0\0\0\0\0\1", 9));
  file.add("ids", "I64", "[2]", std::string(16, '\0'));
  file.add("four", "F4", "[8]", std::string("\0\1\2\3", 4));
  return file;
}

class PackFiles : public testing::Test {
 protected:
  /// A model directory of one file.
  fs::path make(const std::string& file, const std::string& name = "model") {
    write_text(root_ / name / "model.safetensors", file);
    write_text(root_ / name / "config.json", kConfig);
    write_text(root_ / name / "vocab.txt", "a\nb\n");
    return root_ / name;
  }
  Model open(const fs::path& path) const { return open_model(path.string()); }

  static constexpr const char* kConfig = "{\n  \"hidden_size\": 50,\n  \"x\": {\"y\": [1e-05]}\n}\n";
  test::TemporaryDirectory root_;
};

PackOptions with(std::optional<Encoding> encoding, bool zstd = false) {
  PackOptions options;
  options.encoding = encoding;
  options.zstd = zstd;
  return options;
}

const std::vector<PackOptions>& every_way() {
  static const std::vector<PackOptions> ways{with({}),
                                             with({}, true),
                                             with(Encoding::kBitmask),
                                             with(Encoding::kGaps8),
                                             with(Encoding::kGaps4),
                                             with(Encoding::kDenseZstd),
                                             with(Encoding::kGaps8Zstd),
                                             with(Encoding::kDense)};
  return ways;
}

TEST_F(PackFiles, GiveBackEveryByte) {
  for (const unsigned percent : {0U, 50U, 95U, 100U}) {
    const std::string file = usual(percent).file();
    const std::string name = "model" + std::to_string(percent);
    const Model model = open(make(file, name));
    for (std::size_t way = 0; way < every_way().size(); ++way) {
      const fs::path packed = root_ / (name + "-" + std::to_string(way)), unpacked = packed.string() + "-back";
      const PackSummary summary = write_packed(model, packed, every_way()[way]);
      EXPECT_EQ(summary.packed_bytes, fs::file_size(packed / "model.safetensors"));
      EXPECT_EQ(summary.packed_bytes, packed_bytes(model, every_way()[way]));
      EXPECT_EQ(summary.dense_bytes, file.size());
      const Model reopened = open(packed);
      ASSERT_EQ(reopened.checkpoint.tensors().size(), model.checkpoint.tensors().size());
      for (std::size_t i = 0; i < model.checkpoint.tensors().size(); ++i) {
        const TensorView &a = model.checkpoint.tensors()[i], &b = reopened.checkpoint.tensors()[i];
        EXPECT_EQ(a.name, b.name);
        EXPECT_EQ(a.dtype, b.dtype);
        EXPECT_EQ(a.shape, b.shape);
        EXPECT_TRUE(std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end())) << a.name;
      }
      write_unpacked(reopened, unpacked);
      EXPECT_TRUE(read_text(unpacked / "model.safetensors") == file) << percent << " % in way " << way;
      EXPECT_EQ(read_text(unpacked / "config.json"), kConfig);
      EXPECT_EQ(read_text(unpacked / "vocab.txt"), "a\nb\n");
    }
  }
}

TEST_F(PackFiles, KeepShards) {
  FileBuilder first, second;
  first.add("a.weight", "F32", "[30,40]", sparse_data(DType::kF32, 1200, 90, 1));
  second.add("b.weight", "F32", "[30,40]", sparse_data(DType::kF32, 1200, 60, 2));
  write_text(root_ / "model" / "model-00001-of-00002.safetensors", first.file());
  write_text(root_ / "model" / "model-00002-of-00002.safetensors", second.file());
  write_text(root_ / "model" / "model.safetensors.index.json",
             "{\n  \"metadata\": {\n    \"total_size\": 9600\n  },\n  \"weight_map\": {\n    \"a.weight\": "
             "\"model-00001-of-00002.safetensors\",\n    \"b.weight\": \"model-00002-of-00002.safetensors\"\n  }\n}\n");
  const PackSummary summary = write_packed(open(root_ / "model"), root_ / "packed");
  const Model packed = open(root_ / "packed");
  EXPECT_EQ(packed.checkpoint.bytes_on_disk(), summary.packed_bytes);
  write_unpacked(packed, root_ / "back");
  for (const char* name :
       {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"})
    EXPECT_EQ(read_text(root_ / "back" / name), read_text(root_ / "model" / name)) << name;
}

TEST_F(PackFiles, AreTheSameForAnyNumberOfThreads) {
  const Model model = open(make(usual(80).file()));
  write_packed(model, root_ / "one", {}, Context(1));
  write_packed(model, root_ / "three", {}, Context(3));
  EXPECT_EQ(read_text(root_ / "one/model.safetensors"), read_text(root_ / "three/model.safetensors"));
}

TEST_F(PackFiles, ArePackedAgainAsTheyWere) {
  write_packed(open(make(usual(80).file())), root_ / "packed");
  write_packed(open(root_ / "packed"), root_ / "again", with({}, true));
  write_packed(open(root_ / "again"), root_ / "third");
  EXPECT_EQ(read_text(root_ / "third/model.safetensors"), read_text(root_ / "packed/model.safetensors"));
}

TEST_F(PackFiles, HoldModelsThatLiveInMemory) {
  const Model model = open(make(usual(0).file()));
  PruneOptions options;
  options.levels.push_back(Amount::percent("90"));
  options.include = {"h.0.weight", "h.1.weight"};
  const PrunePlan plan = plan_pruning(model, options);
  const Model pruned = pruned_model(model, plan, 0);
  EXPECT_EQ(write_packed(pruned, root_ / "packed").packed_bytes, packed_bytes(pruned));
  write_pruned(model, plan, root_ / "pruned");
  write_unpacked(open(root_ / "packed"), root_ / "back");
  EXPECT_EQ(read_text(root_ / "back/model.safetensors"), read_text(root_ / "pruned/model.safetensors"));
}

TEST_F(PackFiles, ArePrunedAndMeasuredAsTheyAre) {
  const Model model = open(make(usual(50).file()));
  write_packed(model, root_ / "packed");
  const Model packed = open(root_ / "packed");
  PruneOptions options;
  options.levels.push_back(Amount::percent("70"));
  options.include = {"h.*.weight"};
  write_pruned(model, plan_pruning(model, options), root_ / "a");
  write_pruned(packed, plan_pruning(packed, options), root_ / "b");
  EXPECT_EQ(read_text(root_ / "a/model.safetensors"), read_text(root_ / "b/model.safetensors"));
}

TEST_F(PackFiles, RememberThePruning) {
  const Model model = open(make(usual(0).file()));
  PruneOptions options;
  options.levels.push_back(Amount::percent("90"));
  options.include = {"h.0.weight"};
  write_pruned(model, plan_pruning(model, options), root_ / "pruned");
  write_packed(open(root_ / "pruned"), root_ / "packed");
  const auto json = nlohmann::json::parse(read_text(root_ / "packed/pare.json"));
  EXPECT_EQ(json["format"], "pare-prune");
  EXPECT_EQ(json["packed"]["packed_bytes"], fs::file_size(root_ / "packed/model.safetensors"));
  write_unpacked(open(root_ / "packed"), root_ / "back");
  EXPECT_EQ(read_text(root_ / "back/pare.json"), read_text(root_ / "pruned/pare.json"));
}

TEST_F(PackFiles, TellCompressedTensorsWhatTheyAre) {
  const Model model = open(make(usual(60).file()));
  write_packed(model, root_ / "packed", with(Encoding::kBitmask));
  const std::string config = read_text(root_ / "packed/config.json");
  const auto json = nlohmann::json::parse(config);
  EXPECT_EQ(json["quantization_config"]["quant_method"], "compressed-tensors");
  const auto& sparsity = json["quantization_config"]["sparsity_config"];
  EXPECT_EQ(sparsity["format"], "sparse-bitmask");
  EXPECT_THAT(sparsity["targets"].dump(), HasSubstr("re:(.*[.])?h[.]0$"));
  EXPECT_NEAR(sparsity["global_sparsity"].get<double>(), 0.6, 0.03);
  const Checkpoint packed = Checkpoint::open((root_ / "packed").string());
  EXPECT_EQ(packed.files()[0].metadata().at("format"), "pt");
  EXPECT_EQ(open(root_ / "packed").config, kConfig);
  // If another writer has dropped the metadata, only the names remain.
  EXPECT_THAT(read_text(root_ / "packed/model.safetensors"), HasSubstr("\"h.0.bitmask\""));
}

TEST_F(PackFiles, AvoidNamesThatAreTaken) {
  FileBuilder file;
  file.add("x", "F32", "[60,400]", sparse_data(DType::kF32, 24000, 50, 1));
  file.add("x.weight", "F32", "[60,400]", sparse_data(DType::kF32, 24000, 50, 2));
  file.add("y.weight", "F32", "[30,40]", sparse_data(DType::kF32, 1200, 90, 3));
  file.add("y.weight.values", "F32", "[1]", "abcd");
  const PackSummary summary = write_packed(open(make(file.file())), root_ / "packed");
  EXPECT_EQ(summary.tensors[0].encoding, Encoding::kBitmask);
  EXPECT_EQ(summary.tensors[1].encoding, Encoding::kDense);
  EXPECT_EQ(summary.tensors[2].encoding, Encoding::kDense);
  write_unpacked(open(root_ / "packed"), root_ / "back");
  EXPECT_EQ(read_text(root_ / "back/model.safetensors"), file.file());
}

TEST_F(PackFiles, TellElementsThatLieInTheFileFromThoseDecoded) {
  write_packed(open(make(usual(90).file())), root_ / "packed");
  const Checkpoint packed = Checkpoint::open((root_ / "packed").string());
  const TensorView *dense = packed.find("h.0.bias"), *sparse = packed.find("h.0.weight");
  ASSERT_NE(dense->bytes.packed(), nullptr);
  EXPECT_EQ(dense->bytes.packed()->encoding(), Encoding::kDense);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(dense->bytes.data()) % 4, 0U) << "elements are aligned in the file";
  EXPECT_EQ(sparse->bytes.packed()->encoding(), Encoding::kGaps4);
  EXPECT_EQ(sparse->bytes.data(), sparse->bytes.data());
  const TensorView copy = *sparse;
  EXPECT_EQ(copy.bytes.data(), sparse->bytes.data()) << "copies share what was decoded";
}

TEST_F(PackFiles, RefuseToUnpackWhatIsNotPacked) {
  const fs::path model = make(usual(0).file());
  EXPECT_THAT([&] { write_unpacked(open(model), root_ / "back"); }, test::ThrowsError(ErrorCode::kUnsupported, model));
  EXPECT_FALSE(fs::exists(root_ / "back"));
}

TEST_F(PackFiles, LeaveNothingBehindWhenTheyAreDamaged) {
  write_packed(open(make(usual(90).file())), root_ / "packed");
  std::string file = read_text(root_ / "packed/model.safetensors");
  file.back() = static_cast<char>(file.back() ^ 1);
  write_text(root_ / "packed/model.safetensors", file);
  EXPECT_THAT(test::error_of([&] { write_unpacked(open(root_ / "packed"), root_ / "back"); }),
              HasSubstr("its data are damaged: their checksum is"));
  EXPECT_FALSE(fs::exists(root_ / "back"));
  EXPECT_EQ(test::names_in(root_.path()), (std::set<std::string>{"model", "packed"}));
}

TEST_F(PackFiles, ReplaceOnlyWhatPareWrote) {
  const Model model = open(make(usual(90).file()));
  write_packed(model, root_ / "packed");
  EXPECT_THROW(write_packed(model, root_ / "packed"), Error);
  PackOptions force;
  force.force = true;
  write_packed(model, root_ / "packed", force);
  EXPECT_THROW(write_packed(model, root_ / "model", force), Error);
}

TEST_F(PackFiles, ComeFromPyTorchArchivesToo) {
  const fs::path archive = fs::path(PARE_SOURCE_DIR) / "tests/golden/torch/pytorch_model.bin";
  const Model model = open(archive);
  const PackSummary summary = write_packed(model, root_ / "packed");
  std::size_t written = 0;
  for (const CheckpointFile& file : model.checkpoint.files()) written += file.tensors.size();
  EXPECT_EQ(summary.tensors.size(), written);
  write_unpacked(open(root_ / "packed"), root_ / "back");
  const Checkpoint back = Checkpoint::open((root_ / "back" / model.checkpoint.files()[0].output_name).string());
  for (const TensorView& tensor : back.tensors()) {
    const TensorView* source = model.checkpoint.find(tensor.name);
    EXPECT_TRUE(std::equal(tensor.bytes.begin(), tensor.bytes.end(), source->bytes.begin(), source->bytes.end()));
  }
}

}  // namespace
}  // namespace pare
