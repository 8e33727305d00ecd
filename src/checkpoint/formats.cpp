#include "checkpoint/formats.h"

#include <algorithm>
#include <cctype>

#include "checkpoint/file_content.h"

namespace pare::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSafetensors[] = {".safetensors"};
constexpr std::string_view kTorch[] = {".bin", ".pt", ".pth", ".ckpt", ".pth.tar"};
constexpr std::string_view kGguf[] = {".gguf"};

SourceFile read_safetensors_file(const fs::path& path, const Context&) { return read_safetensors(path); }

/// "pytorch_model-00001-of-00002.bin" becomes "model-00001-of-00002.safetensors".
std::string safetensors_name(const fs::path& path) {
  std::string stem = path.stem().string();
  constexpr std::string_view prefix = "pytorch_model";
  if (stem.starts_with(prefix)) stem.replace(0, prefix.size(), "model");
  return stem + ".safetensors";
}

std::string same_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(kSafetensors[0]) ? name : safetensors_name(path);
}

std::string one_file(const fs::path&) { return "model.safetensors"; }

constexpr FileFormat kFormats[] = {
    {kSafetensors, "model.safetensors", read_safetensors_file, same_name, false},
    {kTorch, "pytorch_model.bin", read_torch_archive, safetensors_name, true},
    {kGguf, "model.gguf", read_gguf, one_file, false},
};

}  // namespace

std::span<const FileFormat> file_formats() noexcept { return kFormats; }

const FileFormat* format_by_name(const fs::path& path) {
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const FileFormat& format : kFormats)
    for (const std::string_view extension : format.extensions)
      if (name.ends_with(extension)) return &format;
  return nullptr;
}

const FileFormat* format_of(const fs::path& path) {
  switch (content_of(path)) {
    case Content::kSafetensors:
      return &kFormats[0];
    case Content::kZip:
    case Content::kPickle:
      return &kFormats[1];
    case Content::kGguf:
      return &kFormats[2];
    case Content::kOther:
      break;
  }
  return format_by_name(path);
}

bool has_weights_name(const fs::path& path) {
  const std::string name = path.filename().string();
  for (const char* other : {"training_args", "optimizer", "scheduler", "scaler", "rng_state", "random_states"})
    if (name.starts_with(other)) return false;
  return format_by_name(path) != nullptr;
}

bool is_index(const fs::path& path) { return path.filename().string().ends_with(kIndexExtension); }

}  // namespace pare::checkpoint
