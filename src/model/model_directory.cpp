#include "model/model_directory.h"

#include <algorithm>

#include "base/file_map.h"
#include "base/files.h"
#include "base/output.h"
#include "base/system_error.h"
#include "pare/error.h"
#include "pare/publish.h"

namespace pare::model {

namespace {

/// Makes the folder of a side file within the directory.
void make_folder(const std::filesystem::path& directory, const std::filesystem::path& name) {
  std::error_code failure;
  std::filesystem::create_directories(directory / name.parent_path(), failure);
  if (failure) throw Error(base::code_of(failure), name.parent_path(), "cannot be created: " + failure.message());
}

}  // namespace

void finish_directory(const Model& model, const DirectoryTexts& texts, const std::filesystem::path& directory) {
  const auto write = [&](const char* name, const std::string& text) {
    base::write_file(directory / name, text, base::Publish::kStaged);
  };
  for (const auto& [source, name] : model.side_files) {
    const auto map = base::FileMap::open(source);
    if (name.find('/') != std::string::npos) make_folder(directory, name);
    base::OutputFile copy(directory / name, base::Publish::kStaged);
    copy.write_at(0, map->bytes());
    copy.commit();
  }
  for (const auto& [name, text] : model.side_texts) write(name.c_str(), text);
  if (!texts.config.empty()) write("config.json", texts.config);
  if (texts.index) write("model.safetensors.index.json", *texts.index);
  write(kOutputMarker, texts.manifest);
}

}  // namespace pare::model

namespace pare {
namespace {

bool is_below(const std::filesystem::path& path, const std::filesystem::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

}  // namespace

bool check_output_apart(const std::filesystem::path& output, const Model& model) {
  namespace fs = std::filesystem;
  if (!base::is_there(output)) return false;
  const fs::path target = base::resolved(output);
  bool own = false;
  for (const CheckpointFile& file : model.checkpoint.files())
    for (const FileVersion& source : file.sources) {
      const fs::path directory = source.path.has_parent_path() ? source.path.parent_path() : fs::path(".");
      const fs::path folder = base::resolved(directory), file_itself = base::resolved(source.path);
      if (file_itself == target)
        throw Error(ErrorCode::kArgument, output, "is a file of the model that is read (expected another name)");
      if (folder == target || file_itself.parent_path() == target)
        own = true;
      else if (is_below(folder, target) || is_below(file_itself, target))
        throw Error(ErrorCode::kArgument, output,
                    "contains the model that is read, " + directory.string() + " (expected another directory)");
    }
  return own;
}

}  // namespace pare
