#include "checkpoint/formats.h"

#include <array>
#include <fstream>
#include <iterator>

#include "checkpoint/gguf/gguf_header.h"

namespace pare::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSafetensors[] = {".safetensors"};
constexpr std::string_view kTorch[] = {".bin", ".pt", ".pth"};
constexpr std::string_view kGguf[] = {".gguf"};

SourceFile read_safetensors_file(const fs::path& path, const Context&) { return read_safetensors(path); }

std::string same_name(const fs::path& path) { return path.filename().string(); }

/// "pytorch_model-00001-of-00002.bin" becomes "model-00001-of-00002.safetensors".
std::string safetensors_name(const fs::path& path) {
  std::string stem = path.stem().string();
  constexpr std::string_view prefix = "pytorch_model";
  if (stem.starts_with(prefix)) stem.replace(0, prefix.size(), "model");
  return stem + ".safetensors";
}

std::string one_file(const fs::path&) { return "model.safetensors"; }

bool begins_as_gguf(const fs::path& path) {
  std::array<char, 4> magic{};
  return std::ifstream(path, std::ios::binary).read(magic.data(), magic.size()) &&
         is_gguf(std::as_bytes(std::span(magic)));
}

constexpr FileFormat kFormats[] = {
    {kSafetensors, "model.safetensors", read_safetensors_file, same_name, false},
    {kTorch, "pytorch_model.bin", read_torch_archive, safetensors_name, true},
    {kGguf, "model.gguf", read_gguf, one_file, false},
};

}  // namespace

std::span<const FileFormat> file_formats() noexcept { return kFormats; }

const FileFormat* format_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (begins_as_gguf(path)) return &kFormats[std::size(kFormats) - 1];  // whatever its name
  for (const FileFormat& format : kFormats)
    for (const std::string_view extension : format.extensions)
      if (name.ends_with(extension)) return &format;
  return nullptr;
}

bool is_index(const fs::path& path) { return path.filename().string().ends_with(kIndexExtension); }

}  // namespace pare::checkpoint
