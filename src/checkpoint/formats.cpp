#include "checkpoint/formats.h"

namespace pare::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSafetensors[] = {".safetensors"};
constexpr std::string_view kTorch[] = {".bin", ".pt", ".pth"};

SourceFile read_safetensors_file(const fs::path& path, const Context&) { return read_safetensors(path); }

std::string same_name(const fs::path& path) { return path.filename().string(); }

/// "pytorch_model-00001-of-00002.bin" becomes "model-00001-of-00002.safetensors".
std::string safetensors_name(const fs::path& path) {
  std::string stem = path.stem().string();
  constexpr std::string_view prefix = "pytorch_model";
  if (stem.starts_with(prefix)) stem.replace(0, prefix.size(), "model");
  return stem + ".safetensors";
}

constexpr FileFormat kFormats[] = {
    {kSafetensors, "model.safetensors", read_safetensors_file, same_name, false},
    {kTorch, "pytorch_model.bin", read_torch_archive, safetensors_name, true},
};

}  // namespace

std::span<const FileFormat> file_formats() noexcept { return kFormats; }

const FileFormat* format_of(const fs::path& path) {
  const std::string name = path.filename().string();
  for (const FileFormat& format : kFormats)
    for (const std::string_view extension : format.extensions)
      if (name.ends_with(extension)) return &format;
  return nullptr;
}

bool is_index(const fs::path& path) { return path.filename().string().ends_with(kIndexExtension); }

}  // namespace pare::checkpoint
