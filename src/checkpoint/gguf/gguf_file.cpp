#include "checkpoint/gguf/gguf_file.h"

#include <fmt/format.h>

#include "base/file_map.h"
#include "base/files.h"
#include "checkpoint/gguf/gguf_header.h"
#include "checkpoint/stored_blocks.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr std::int64_t kMostParts = 99999;

/// Blocks in a mapped file, of which F32 values are computed.
class BlockTensor final : public StoredBlocks {
 public:
  BlockTensor(const GgufType& type, base::Bytes data) : type_(type), data_(data) {}

  std::string_view stored_type() const noexcept override { return type_.name; }
  std::uint64_t stored_bytes() const noexcept override { return data_.size(); }
  std::size_t granularity() const noexcept override { return type_.block_elements(); }
  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const std::uint64_t first = begin / type_.block_elements();
    const std::uint64_t count = target.size() / sizeof(float) / type_.block_elements();
    kernels::decode_blocks(type_.block, data_.data() + first * type_.block_bytes(), count,
                           reinterpret_cast<float*>(target.data()));
  }
  std::optional<BlockRun> blocks_at(std::uint64_t begin, std::uint64_t count) const override {
    const std::size_t blocks = count / type_.block_elements();
    return BlockRun{type_.block, data_.data() + begin / type_.block_elements() * type_.block_bytes(), blocks,
                    blocks * type_.block_elements()};
  }

 private:
  const GgufType& type_;
  base::Bytes data_;
};

struct PartName {
  std::string stem, number, count;
};

/// The parts of "name-00001-of-00003.gguf".
std::optional<PartName> parse_part_name(const std::filesystem::path& path) {
  constexpr std::string_view kForm = "-00000-of-00000.gguf";  // 0 stands for any digit
  const std::string name = path.filename().string();
  if (name.size() < kForm.size()) return std::nullopt;
  const std::size_t stem = name.size() - kForm.size();
  const auto fits = [](char form, char c) { return form == '0' ? c >= '0' && c <= '9' : c == form; };
  if (!std::equal(kForm.begin(), kForm.end(), name.begin() + static_cast<std::ptrdiff_t>(stem), fits))
    return std::nullopt;
  return PartName{name.substr(0, stem), name.substr(stem + 1, 5), name.substr(stem + 10, 5)};
}

}  // namespace

SourceFile parse_gguf(std::span<const std::byte> bytes, const std::filesystem::path& path,
                      std::shared_ptr<const void> owner) {
  GgufHeader header = parse_gguf_header(bytes, path, owner);
  SourceFile file;
  file.size = bytes.size();
  file.keep_alive = std::move(owner);
  file.gguf = std::move(header.metadata);
  for (GgufEntry& entry : header.tensors) {
    TensorView view{std::move(entry.name), entry.type->dtype.value_or(DType::kF32), std::move(entry.shape), {}, 0};
    if (entry.type->dtype)
      view.bytes = entry.data;
    else
      view.bytes = TensorBytes(std::make_shared<const BlockTensor>(*entry.type, entry.data),
                               view.elements() * sizeof(float), sizeof(float));
    file.tensors.push_back(std::move(view));
  }
  return file;
}

SourceFile read_gguf(const std::filesystem::path& path, const Context&) {
  const auto map = base::FileMap::open(path);
  SourceFile file = parse_gguf(map->bytes(), path, map);
  file.version = map->version();
  return file;
}

GgufPart part_of(const GgufMetadata& metadata) {
  const GgufPart part{metadata.integer("split.no").value_or(0), metadata.integer("split.count").value_or(1)};
  if (part.count == 0) return {};  // a file that was split and merged again
  if (part.count < 0 || part.count > kMostParts || part.number < 0 || part.number >= part.count)
    throw Error(
        ErrorCode::kMalformed, metadata.path(),
        fmt::format("is part {} of {} by its metadata (split.no and split.count)", part.number + 1, part.count));
  return part;
}

std::vector<std::filesystem::path> later_parts(const std::filesystem::path& first, const GgufPart& part) {
  const std::optional<PartName> name = parse_part_name(first);
  const std::string expected = fmt::format("-{:05}-of-{:05}.gguf", part.number + 1, part.count);
  if (!name || !first.filename().string().ends_with(expected))
    throw Error(ErrorCode::kMismatch, first,
                fmt::format("is part {} of {} by its metadata (expected a name that ends in '{}')", part.number + 1,
                            part.count, expected));
  if (part.number != 0)
    throw Error(ErrorCode::kArgument, first,
                fmt::format("is part {} of {} (expected the first, {}-00001-of-{}.gguf)", part.number + 1, part.count,
                            name->stem, name->count));
  std::vector<std::filesystem::path> paths;
  for (std::int64_t number = 2; number <= part.count; ++number) {
    paths.push_back(first.parent_path() / fmt::format("{}-{:05}-of-{}.gguf", name->stem, number, name->count));
    if (!base::is_there(paths.back()))
      throw Error(ErrorCode::kNotFound, first,
                  fmt::format("needs '{}', which does not exist", paths.back().filename().string()));
  }
  return paths;
}

bool is_later_part(const std::filesystem::path& path) {
  const std::optional<PartName> name = parse_part_name(path);
  return name && name->number != "00001";
}

}  // namespace pare::checkpoint
