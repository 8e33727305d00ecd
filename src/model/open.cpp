#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/files.h"
#include "base/system_error.h"
#include "checkpoint/formats.h"
#include "model/compose.h"
#include "model/gguf/gguf_model.h"
#include "model/resolver.h"
#include "model/sparsity_config.h"
#include "pare/error.h"
#include "pare/model.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestSideFile = 64U << 20;
constexpr std::size_t kLongestFormat = 40;  // in a note

/// The '+' of ENCODER+DECODER; npos if there is none. Paths may hold a '+', too: of several, the first counts that has
/// existing paths on both sides.
std::size_t find_plus(const std::string& source) {
  std::error_code ignored;
  if (fs::exists(source, ignored)) return std::string::npos;
  for (auto plus = source.find('+'); plus != std::string::npos; plus = source.find('+', plus + 1))
    if (fs::exists(source.substr(0, plus), ignored) && fs::exists(source.substr(plus + 1), ignored)) return plus;
  return source.find('+');
}

/// Splits TITLE=MODEL; a path may hold '=' as long as a '/' comes first, or it exists.
std::pair<std::string, std::string> split_title(const std::string& spec) {
  const auto equals = spec.find('=');
  std::error_code ignored;
  if (equals == std::string::npos || equals == 0 || spec.find('/') < equals || fs::exists(spec, ignored))
    return {"", spec};
  const auto plus = find_plus(spec);
  if (plus != std::string::npos && plus > equals && fs::exists(spec.substr(0, plus), ignored)) return {"", spec};
  return {spec.substr(0, equals), spec.substr(equals + 1)};
}

/// The default title of a model: its directory's name, or a file's stem unless that is a standard name.
std::string default_title(const std::string& source) {
  const fs::path path(source);
  if (base::is_file(path)) {
    const std::string stem = path.stem().string();
    const bool usual = stem == "model" || stem == "pytorch_model" || stem == "model.safetensors.index" ||
                       stem == "pytorch_model.bin.index";
    return usual ? default_title(path.has_parent_path() ? path.parent_path().string() : ".") : stem;
  }
  if (!base::is_there(path)) return source;  // a name on the Hub
  const fs::path whole = base::resolved(path);
  return whole.has_filename() ? whole.filename().string() : whole.parent_path().filename().string();
}

bool is_side_file(const fs::path& path) {
  const std::string name = path.filename().string(), extension = path.extension().string();
  if (name == "config.json" || name == "pare.json" || name.ends_with(".index.json") || name.front() == '.')
    return false;
  // What GPTQ and AWQ say of the weights, which are written dequantized.
  if (name == "quantize_config.json" || name == "quant_config.json" || name == "hf_quant_config.json") return false;
  return extension == ".json" || extension == ".txt" || extension == ".model" || extension == ".jinja";
}

/// Files of what sentence-transformers puts behind the transformer: "1_Pooling/config.json" and the like. It does not
/// open a model without the weights of a module ("2_Dense/model.safetensors"), so they come along whatever their size.
void add_modules(const fs::path& directory, std::vector<std::pair<fs::path, std::string>>& found) {
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure)) {
    const std::string folder = it->path().filename().string();
    const bool module = folder.size() > 2 && folder.find('_') != 0 &&
                        folder.find_first_not_of("0123456789") == folder.find('_') && base::is_directory(it->path());
    if (!module) continue;
    for (fs::directory_iterator file(it->path(), failure); !failure && file != end; file.increment(failure))
      if (base::is_file(file->path()) && (checkpoint::has_weights_name(file->path()) ||
                                          (fs::file_size(file->path(), failure) <= kLargestSideFile && !failure)))
        found.emplace_back(file->path(), folder + "/" + file->path().filename().string());
  }
  if (failure) throw Error(base::code_of(failure), directory, "cannot be listed: " + failure.message());
}

std::vector<std::pair<fs::path, std::string>> find_side_files(const fs::path& directory) {
  std::vector<std::pair<fs::path, std::string>> found;
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure)) {
    // A file that cannot be opened must be an error, or it would be missing from the output.
    if (!is_side_file(it->path()) || !base::is_file(it->path())) continue;
    if (fs::file_size(it->path(), failure) <= kLargestSideFile || failure)
      found.emplace_back(it->path(), it->path().filename().string());
  }
  if (failure) throw Error(base::code_of(failure), directory, "cannot be listed: " + failure.message());
  if (base::is_there(directory / "modules.json")) add_modules(directory, found);
  std::sort(found.begin(), found.end());
  return found;
}

/// Whether the weights are a PEFT adapter's, whose configuration has a name of its own.
bool is_adapter(const Checkpoint& checkpoint) {
  return checkpoint.files().size() == 1 && checkpoint.files().front().output_name.starts_with("adapter_model") &&
         base::is_there(checkpoint.directory() / "adapter_config.json");
}

void note_what_is_not_pruned(Model& model) {
  if (is_adapter(model.checkpoint))
    model.notes.emplace_back(
        "this is a PEFT adapter: what is read and pruned are the matrices that it adds to its base model; to prune the "
        "weights that result, merge it first (PEFT's merge_and_unload())");
  for (const auto& [path, name] : model.side_files)
    if (checkpoint::has_weights_name(path))
      model.notes.push_back(name + " belongs to a module behind the transformer: it is not read, and copied unpruned");
}

bool holds_bitmasks(const Checkpoint& checkpoint) {
  return std::any_of(checkpoint.tensors().begin(), checkpoint.tensors().end(), [](const TensorView& tensor) {
    return tensor.bytes.packed() != nullptr && tensor.bytes.packed()->encoding() == Encoding::kBitmask;
  });
}

Model open_single(const std::string& source, const ModelOptions& options, const Context& context) {
  Model model{{}, source, {}, {}, Checkpoint::open(source, context), {}, {}, {}, {}, {}, {}};
  std::vector<std::string> gguf_notes;
  if (model.checkpoint.gguf() != nullptr) {
    model::GgufModel gguf = model::read_gguf_model(model.checkpoint);
    model.checkpoint = std::move(gguf.checkpoint);
    model.side_texts = std::move(gguf.texts);
    gguf_notes = std::move(gguf.notes);
  }
  std::optional<std::string> text = model.checkpoint.config_text();
  // As after an interrupted download; a file that is named itself can do without.
  const bool blank = text && base::is_file(source) && text->find_first_not_of(" \t\r\n") == std::string::npos;
  if (blank) text.reset();
  const auto sparsity_format = text ? model::sparsity_format(*text) : std::nullopt;
  // The output is not packed, or is packed differently.
  if (text) text = model::without_sparsity_config(*text);
  model::resolve(model, model::Config(text, model.checkpoint.directory() / "config.json"), options.as_class);
  model.notes.insert(model.notes.begin(), model.checkpoint.notes().begin(), model.checkpoint.notes().end());
  model.notes.insert(model.notes.begin(), gguf_notes.begin(), gguf_notes.end());
  if (sparsity_format && *sparsity_format != "dense" && !holds_bitmasks(model.checkpoint))
    model.notes.push_back(
        fmt::format("config.json says that weights are stored as '{}', but none is; its sparsity_config "
                    "is left out of what pare writes",
                    sparsity_format->substr(0, kLongestFormat)));
  if (blank) model.notes.push_back("config.json is empty, and is read as if it were absent");
  model.config = text.value_or("");
  return model;
}

}  // namespace

Model open_model(const std::string& spec, const ModelOptions& options, const Context& context) {
  const auto [title, source] = split_title(spec);
  if (source.empty()) throw Error(ErrorCode::kArgument, "'" + spec + "' does not name a model");
  const auto plus = find_plus(source);
  if (plus == std::string::npos) {
    Model model = open_single(source, options, context);
    model.title = title.empty() ? default_title(source) : title;
    // A single file is not a model directory. Other files beside it belong to the model only if there is a config.json.
    // A GGUF file has its own tokenizer.
    const bool is_gguf = model.checkpoint.gguf() != nullptr || !model.side_texts.empty();
    if (!is_gguf && (!model.config.empty() || is_adapter(model.checkpoint)))
      model.side_files = find_side_files(model.checkpoint.directory());
    note_what_is_not_pruned(model);
    return model;
  }
  const std::string encoder = source.substr(0, plus), decoder = source.substr(plus + 1);
  if (encoder.empty() || decoder.empty())
    throw Error(ErrorCode::kArgument, "'" + spec + "' names only one half of a composition");
  Model model = model::compose(encoder, decoder, options.seed, context);
  model.title = title.empty() ? default_title(encoder) + "+" + default_title(decoder) : title;
  model.source = source;
  model.side_files = find_side_files(model.checkpoint.directory());
  // The encoder's generation settings would be wrong for a composition, which writes its own, if any.
  std::erase_if(model.side_files, [](const auto& file) { return file.second == "generation_config.json"; });
  return model;
}

}  // namespace pare
