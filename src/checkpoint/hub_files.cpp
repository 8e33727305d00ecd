#include "checkpoint/hub_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/bytes.h"
#include "base/file_map.h"
#include "checkpoint/formats.h"
#include "checkpoint/gguf/gguf_file.h"
#include "checkpoint/index.h"
#include "hub/hub_cache.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

namespace fs = std::filesystem;

using hub::ListedFile;

constexpr std::uint64_t kLargestBeside = 64U << 20;  // as for the files that are copied beside pruned weights

ShardIndex index_at(const fs::path& path, const std::string& name) {
  const auto map = base::FileMap::open(path);
  return parse_index(base::as_text(map->bytes()), name);
}

bool holds_weights(std::string_view name) {
  return name.find('/') == std::string_view::npos && (is_index(name) || has_weights_name(name));
}

/// "1_Pooling/config.json", a file of what sentence-transformers puts behind the transformer.
bool is_of_module(std::string_view name) {
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return digits > 0 && digits < name.size() && name[digits] == '_' && std::count(name.begin(), name.end(), '/') == 1;
}

bool is_beside(const ListedFile& file, bool has_modules) {
  if (file.name.front() == '.') return false;
  if (file.name.find('/') != std::string::npos)
    return has_modules && is_of_module(file.name) && (file.size <= kLargestBeside || has_weights_name(file.name));
  if (file.size > kLargestBeside) return false;
  const std::string extension = fs::path(file.name).extension().string();
  return !is_index(file.name) &&
         (extension == ".json" || extension == ".txt" || extension == ".model" || extension == ".jinja");
}

/// Chooses among the files of one model.
class Choice {
 public:
  Choice(const std::string& spec, const std::vector<ListedFile>& listed, const hub::FileRules::Fetch& fetch)
      : spec_(spec), listed_(listed), fetch_(fetch) {}

  std::vector<std::string> names() const {
    const std::string main = main_weights();
    std::vector<std::string> names;
    const bool has_modules = has("modules.json");
    for (const ListedFile& file : listed_)
      if (is_beside(file, has_modules)) names.push_back(file.name);
    std::vector<std::string> shards;
    if (is_index(main)) {
      shards = index_at(fetch_(main), main).shards();
    } else {
      shards = later_parts_of(main);
    }
    for (std::string& shard : shards)
      if (std::find(names.begin(), names.end(), shard) == names.end()) names.push_back(std::move(shard));
    names.push_back(main);
    return names;
  }

 private:
  bool has(const std::string& name) const {
    return std::any_of(listed_.begin(), listed_.end(), [&](const ListedFile& file) { return file.name == name; });
  }

  /// The file that open() would take in a directory of these files.
  std::string main_weights() const {
    for (const FileFormat& format : file_formats()) {
      const std::string name(format.usual_name);
      for (const std::string& usual : {name, name + std::string(kIndexExtension)})
        if (has(usual)) return usual;
    }
    std::vector<std::string> found;
    for (const ListedFile& file : listed_)
      if (holds_weights(file.name) && !is_later_part(file.name)) found.push_back(file.name);
    if (found.size() == 1) return found.front();
    if (found.empty())
      throw Error(ErrorCode::kNotFound, spec_, "this model on the Hub has no weights that pare reads" + folders_hint());
    throw Error(
        ErrorCode::kArgument, spec_,
        fmt::format("this model on the Hub has {} checkpoint files and none has the usual name; download one of "
                    "them ('hf download {} {}') and give its path",
                    found.size(), spec_.substr(0, spec_.find('@')), found.front()));
  }

  /// Names the folders with weights, e.g. of a diffusers pipeline; empty if there are none.
  std::string folders_hint() const {
    std::set<std::string> folders;
    for (const ListedFile& file : listed_)
      if (const std::size_t slash = file.name.find('/'); slash != std::string::npos)
        if (is_index(file.name) || has_weights_name(file.name)) folders.insert(file.name.substr(0, slash));
    if (folders.empty()) return {};
    return fmt::format(
        " beside its folders ({}); download one of them ('hf download {} --include \"{}/*\"') and give its path",
        fmt::join(folders, ", "), spec_.substr(0, spec_.find('@')), *folders.begin());
  }

  /// The other parts of a split GGUF file: "NAME-00002-of-00003.gguf".
  std::vector<std::string> later_parts_of(const std::string& first) const {
    constexpr std::string_view kFirst = "-00001-of-";
    const std::size_t at = first.rfind(kFirst);
    std::vector<std::string> parts;
    if (at == std::string::npos) return parts;
    for (const ListedFile& file : listed_)
      if (file.name != first && file.name.size() == first.size() && is_later_part(file.name) &&
          file.name.compare(0, at, first, 0, at) == 0)
        parts.push_back(file.name);
    return parts;
  }

  const std::string& spec_;
  const std::vector<ListedFile>& listed_;
  const hub::FileRules::Fetch& fetch_;
};

/// Whether all shards of an index are there. A malformed one is left to open(), which says what is wrong.
bool has_all_shards(const fs::path& path) {
  try {
    const ShardIndex index = index_at(path, path.string());
    return std::all_of(index.shards().begin(), index.shards().end(), [&](const std::string& shard) {
      std::error_code failure;
      return fs::exists(path.parent_path() / shard, failure);
    });
  } catch (const Error&) {
    return true;
  }
}

/// "model-00001-of-00002.safetensors", which is nothing without an index; of a split GGUF file the first part is linked
/// last.
bool is_shard(const std::string& name) {
  const std::size_t of = name.rfind("-of-");
  const auto is_digit = [&](std::size_t i) { return i < name.size() && name[i] >= '0' && name[i] <= '9'; };
  return of != std::string::npos && of > 0 && is_digit(of - 1) && is_digit(of + 4) && !name.ends_with(".gguf");
}

bool has_all_weights(const fs::path& snapshot) {
  std::error_code failure;
  for (const FileFormat& format : file_formats()) {
    const fs::path usual = snapshot / format.usual_name;
    if (fs::exists(usual, failure)) return true;
    const fs::path index = snapshot / (std::string(format.usual_name) + std::string(kIndexExtension));
    if (fs::exists(index, failure)) return has_all_shards(index);
  }
  for (fs::directory_iterator it(snapshot, failure), end; !failure && it != end; it.increment(failure)) {
    const std::string name = it->path().filename().string();
    if (holds_weights(name) && !is_shard(name) && !is_later_part(name) && fs::exists(it->path(), failure)) return true;
  }
  return false;
}

}  // namespace

hub::FileRules hub_file_rules(const std::string& spec, WeightsSurvey& survey) {
  hub::FileRules rules;
  rules.choose = [spec](const std::vector<ListedFile>& listed, const hub::FileRules::Fetch& fetch) {
    return Choice(spec, listed, fetch).names();
  };
  rules.preview = [&survey](const ListedFile& file, const hub::FileRules::ReadPart& read) { survey.add(file, read); };
  rules.summary = [&survey] { return survey.text(); };
  rules.is_complete = has_all_weights;
  return rules;
}

fs::path find_model(const std::string& spec, const Context& context) {
  if (has_weights_name(spec) || is_index(spec)) {  // a file that is not there, rather than a model
    fs::path snapshot = hub::find_in_hub_cache(spec);
    hub::require_blobs(snapshot, spec);
    return snapshot;
  }
  WeightsSurvey survey(spec);
  return hub::find_or_download(spec, hub_file_rules(spec, survey), context);
}

}  // namespace pare::checkpoint
