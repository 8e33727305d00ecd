#include "pare/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "base/bytes.h"
#include "base/file_map.h"
#include "base/files.h"
#include "base/system_error.h"
#include "checkpoint/aliases.h"
#include "checkpoint/formats.h"
#include "checkpoint/gguf/gguf_file.h"
#include "checkpoint/hub_files.h"
#include "checkpoint/index.h"
#include "checkpoint/name_index.h"
#include "checkpoint/quantized/quantized.h"
#include "checkpoint/reparametrized.h"
#include "checkpoint/safetensors/safetensors_header.h"
#include "pare/error.h"

namespace pare {

namespace fs = std::filesystem;

namespace {

std::string read_text(const fs::path& path) {
  const auto map = base::FileMap::open(path);
  return std::string(base::as_text(map->bytes()));
}

}  // namespace

struct Checkpoint::State {
  std::vector<TensorView> tensors;
  std::vector<CheckpointFile> files;
  fs::path directory;
  checkpoint::NameIndex by_name;
  std::vector<std::shared_ptr<const void>> keep_alive;
  std::vector<std::string> notes;
  std::shared_ptr<const checkpoint::GgufMetadata> gguf;
  std::optional<std::string> config;  ///< replaces config.json

  /// Quantized weights become their values; then config.json must not say that they are quantized.
  void dequantize() {
    if (!checkpoint::may_be_quantized(tensors)) return;
    const fs::path path = directory / "config.json";
    const std::string text = base::is_there(path) ? read_text(path) : "";
    if (checkpoint::fold_quantized(tensors, files, checkpoint::parse_quantization_config(text, path), notes) &&
        !text.empty())
      config = checkpoint::without_quantization_config(text);
  }

  /// Must be called once tensors is final: the names' storage must not move any more.
  void index_names() {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (by_name.add(i, [this](std::size_t tensor) { return std::string_view(tensors[tensor].name); }) == i) continue;
      const fs::path& path = files.empty() ? directory : files[tensors[i].file].path;
      throw Error(ErrorCode::kMismatch, path, tensors[i].name,
                  "another file of the checkpoint holds a tensor of this name");
    }
  }
};

namespace {

using checkpoint::FileFormat;

bool is_checkpoint(const fs::path& path) { return checkpoint::is_index(path) || checkpoint::has_weights_name(path); }

/// ".safetensors, .bin, .pt, .pth or .index.json"
std::string known_extensions() {
  std::vector<std::string_view> all;
  for (const FileFormat& format : checkpoint::file_formats())
    all.insert(all.end(), format.extensions.begin(), format.extensions.end());
  return fmt::format("{} or {}", fmt::join(all, ", "), checkpoint::kIndexExtension);
}

/// Names the folders that hold weights, as those of a diffusers pipeline do (unet, vae), or of older models of
/// sentence-transformers (0_Transformer); empty if there are none.
std::string hint_at_folders(const fs::path& directory) {
  constexpr std::size_t kMost = 8;
  std::vector<std::string> folders;
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure)) {
    std::error_code ignored;
    for (fs::directory_iterator file(it->path(), ignored); !ignored && file != fs::directory_iterator();
         file.increment(ignored))
      if (is_checkpoint(file->path())) {
        folders.push_back(it->path().filename().string());
        break;
      }
  }
  if (folders.empty()) return {};
  std::sort(folders.begin(), folders.end());
  folders.resize(std::min(folders.size(), kMost));
  return fmt::format(", but folders in it do: {}; name one of them, such as {}", fmt::join(folders, ", "),
                     (directory / folders.front()).string());
}

/// The files that transformers loads from a directory, else the only checkpoint file in it.
fs::path weights_in(const fs::path& directory) {
  std::vector<std::string_view> usual;
  for (const FileFormat& format : checkpoint::file_formats()) {
    usual.push_back(format.usual_name);
    const std::string name(format.usual_name);
    for (const fs::path& path : {directory / name, directory / (name + std::string(checkpoint::kIndexExtension))})
      if (base::is_there(path)) return path;
  }
  std::vector<fs::path> found;
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure))
    if (it->is_regular_file(failure) && is_checkpoint(it->path()) && !checkpoint::is_later_part(it->path()))
      found.push_back(it->path());
  if (failure) throw Error(base::code_of(failure), directory, "cannot be listed: " + failure.message());
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw Error(
        ErrorCode::kNotFound, directory,
        fmt::format("contains no {} or other checkpoint file{}", fmt::join(usual, ", "), hint_at_folders(directory)));
  throw Error(ErrorCode::kArgument, directory,
              fmt::format("holds {} checkpoint files and none has the usual name; name the one to read", found.size()));
}

/// Collects the tensors of several files into one checkpoint.
class Assembler {
 public:
  explicit Assembler(const Context& context) : context_(context) {}

  void add(const fs::path& path) {
    if (checkpoint::is_index(path)) return add_shards(path);
    const FileFormat* format = checkpoint::format_of(path);
    if (format == nullptr)
      throw Error(ErrorCode::kUnsupported, path, fmt::format("is not a checkpoint (expected {})", known_extensions()));
    context_.check();
    checkpoint::SourceFile source = format->read(path, context_);
    CheckpointFile file;
    file.path = path;
    file.output_name = format->output_name(path);
    file.size = source.size;
    file.header = source.header;
    file.metadata_header = source.metadata_header;
    notes.insert(notes.end(), source.notes.begin(), source.notes.end());
    if (!source.version.path.empty()) file.sources.push_back(source.version);
    if (comparison_ != nullptr) compare(source);
    const std::vector<bool> alias = checkpoint::find_aliases(source.tensors);
    for (std::size_t i = 0; i < source.tensors.size(); ++i) {
      if (!alias[i] || !format->shares_storage) file.tensors.push_back(tensors.size());
      source.tensors[i].file = files.size();
      tensors.push_back(std::move(source.tensors[i]));
    }
    files.push_back(std::move(file));
    keep_alive.push_back(std::move(source.keep_alive));
    if (source.gguf != nullptr) add_gguf(path, std::move(source.gguf));
  }

  std::vector<TensorView> tensors;
  std::vector<CheckpointFile> files;
  std::vector<std::shared_ptr<const void>> keep_alive;
  std::vector<std::string> notes;
  std::shared_ptr<const checkpoint::GgufMetadata> gguf;  ///< of the first GGUF file

 private:
  /// Adds the other files of a split model.
  void add_gguf(const fs::path& path, std::shared_ptr<const checkpoint::GgufMetadata> metadata) {
    const checkpoint::GgufPart part = checkpoint::part_of(*metadata);
    if (gguf == nullptr) {
      gguf = std::move(metadata);
      if (part.count == 1) return;
      parts_ = part.count;
      for (const fs::path& later : checkpoint::later_parts(path, part)) add(later);
      const auto expected = gguf->integer("split.tensors.count");
      if (expected && static_cast<std::uint64_t>(*expected) != tensors.size())
        throw Error(ErrorCode::kMismatch, path,
                    fmt::format("all parts together hold {} tensors (expected {})", tensors.size(), *expected));
    } else if (part.count != parts_ || part.number + 1 != static_cast<std::int64_t>(files.size())) {
      throw Error(ErrorCode::kMismatch, path,
                  fmt::format("is part {} of {} by its metadata (expected part {} of {})", part.number + 1, part.count,
                              files.size(), parts_));
    }
  }

  void add_shards(const fs::path& path) {
    const checkpoint::ShardIndex index = checkpoint::parse_index(read_text(path), path);
    checkpoint::IndexComparison comparison(index);
    comparison_ = &comparison;
    for (shard_ = 0; shard_ < index.shards().size(); ++shard_) {
      const std::string& shard = index.shards()[shard_];
      const fs::path file = path.parent_path() / shard;
      if (!base::is_there(file))
        throw Error(ErrorCode::kNotFound, path, fmt::format("names shard '{}', which does not exist", shard));
      if (checkpoint::is_index(file))
        throw Error(ErrorCode::kMalformed, path,
                    fmt::format("names shard '{}', which is not a checkpoint file", shard));
      add(file);
    }
    comparison_ = nullptr;
    for (std::string& note : comparison.notes(path.filename().string())) notes.push_back(std::move(note));
  }

  void compare(const checkpoint::SourceFile& source) {
    for (const std::string& name : source.stored_names) comparison_->see(shard_, name);
    if (!source.stored_names.empty()) return;
    for (const TensorView& tensor : source.tensors) comparison_->see(shard_, tensor.name);
  }

  const Context& context_;
  std::int64_t parts_ = 1;                             ///< of a split GGUF model
  checkpoint::IndexComparison* comparison_ = nullptr;  ///< while shards are added
  std::size_t shard_ = 0;                              ///< the one that is added
};

/// Renames shards if two would be written under the same name ("pytorch_model.bin" beside "model.safetensors"), or if
/// one has the name that readers prefer to the index.
void distinguish_names(std::vector<CheckpointFile>& files) {
  std::set<std::string_view> names;
  bool clash = false;
  for (const CheckpointFile& file : files)
    clash |= !names.insert(file.output_name).second || (files.size() > 1 && file.output_name == "model.safetensors");
  if (!clash) return;
  for (std::size_t i = 0; i < files.size(); ++i)
    files[i].output_name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, files.size());
}

}  // namespace

std::map<std::string, std::string> CheckpointFile::metadata() const {
  return checkpoint::read_metadata(metadata_header);
}

Checkpoint Checkpoint::open(const std::string& where, const Context& context) {
  fs::path path = where;
  if (!base::is_there(path)) path = checkpoint::find_model(where, context);
  if (base::is_directory(path)) path = weights_in(path);
  Assembler assembler(context);
  assembler.add(path);
  distinguish_names(assembler.files);
  checkpoint::fold_reparametrized(assembler.tensors, assembler.files, assembler.notes);
  auto state = std::make_shared<State>();
  state->tensors = std::move(assembler.tensors);
  state->files = std::move(assembler.files);
  state->keep_alive = std::move(assembler.keep_alive);
  state->notes = std::move(assembler.notes);
  state->gguf = std::move(assembler.gguf);
  state->directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  state->dequantize();
  state->index_names();
  return Checkpoint(std::move(state));
}

Checkpoint Checkpoint::from_tensors(std::vector<TensorView> tensors, std::vector<CheckpointFile> files,
                                    fs::path directory, std::shared_ptr<const void> keep_alive,
                                    std::optional<std::string> config) {
  auto state = std::make_shared<State>();
  state->tensors = std::move(tensors);
  state->files = std::move(files);
  state->directory = std::move(directory);
  state->config = std::move(config);
  state->keep_alive.push_back(std::move(keep_alive));
  state->index_names();
  return Checkpoint(std::move(state));
}

std::span<const TensorView> Checkpoint::tensors() const noexcept { return state_->tensors; }

const TensorView* Checkpoint::find(std::string_view name) const noexcept {
  const auto found =
      state_->by_name.find(name, [this](std::size_t i) { return std::string_view(state_->tensors[i].name); });
  return found ? &state_->tensors[*found] : nullptr;
}

std::span<const CheckpointFile> Checkpoint::files() const noexcept { return state_->files; }
std::span<const std::string> Checkpoint::notes() const noexcept { return state_->notes; }
const fs::path& Checkpoint::directory() const noexcept { return state_->directory; }

const checkpoint::GgufMetadata* Checkpoint::gguf() const noexcept { return state_->gguf.get(); }

std::optional<std::string> Checkpoint::config_text() const {
  if (state_->config) return state_->config;
  const fs::path path = state_->directory / "config.json";
  if (!base::is_there(path)) return std::nullopt;
  return read_text(path);
}

void Checkpoint::require_unchanged() const {
  for (const CheckpointFile& file : state_->files)
    for (const FileVersion& source : file.sources) source.require_unchanged();
}

std::uint64_t Checkpoint::bytes_on_disk() const noexcept {
  std::uint64_t bytes = 0;
  for (const CheckpointFile& file : state_->files) bytes += file.size;
  return bytes;
}

}  // namespace pare
