// Reads and writes levels of sets of tensors as a JSON file.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/json_text.h"
#include "base/output.h"
#include "pare/error.h"
#include "pare/prune.h"

namespace pare {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLargest = 64U << 20;  // bytes; a file of levels has a line for each tensor

PruneSet set_of(const base::JsonValue& entry, const std::filesystem::path& path, std::size_t index) {
  const auto fail = [&](const std::string& cause) {
    throw Error(ErrorCode::kMalformed, path, fmt::format("levels[{}]: {}", index, cause));
  };
  if (!entry.is_object()) fail("is not an object");
  PruneSet set;
  const auto name = entry.find("name"), tensors = entry.find("tensors"), percent = entry.find("percent");
  if (!tensors || !tensors->is_list()) fail("has no list 'tensors'");
  tensors->for_elements([&](const base::JsonValue& tensor) {
    if (!tensor.is_text()) fail("'tensors' contains an element that is not a string");
    set.tensors.emplace_back(tensor.text());
  });
  if (set.tensors.empty()) fail("has no list 'tensors'");
  set.name = name && name->is_text() ? std::string(name->text()) : set.tensors.front();
  if (!percent || !percent->is_number()) fail("has no number 'percent'");
  const double value = percent->number();
  if (!(value >= 0 && value <= 100)) fail(fmt::format("{} is not a percentage between 0 and 100", value));
  set.amount = {value / 100, std::nullopt, fmt::format("{}", value)};
  return set;
}

}  // namespace

std::string glob_of(std::string_view name) {
  std::string glob;
  for (const char c : name) glob += c == '*' || c == '?' || c == '[' ? std::string{'[', c, ']'} : std::string(1, c);
  return glob;
}

std::vector<PruneSet> read_levels(const std::filesystem::path& path) {
  std::error_code ignored;
  if (const auto size = std::filesystem::file_size(path, ignored); !ignored && size > kLargest)
    throw Error(ErrorCode::kLimit, path,
                fmt::format("is too large for a file of levels (expected at most {} bytes, found {})", kLargest, size));
  const base::JsonFile file(path);
  const auto levels = file.root().find("levels");
  if (!levels || !levels->is_list())
    throw Error(ErrorCode::kMalformed, path, "is not a levels file (expected a list 'levels')");
  std::vector<PruneSet> sets;
  levels->for_elements([&](const base::JsonValue& entry) { sets.push_back(set_of(entry, path, sets.size())); });
  if (sets.empty()) throw Error(ErrorCode::kMalformed, path, "has no level");
  return sets;
}

void write_levels(const std::vector<PruneSet>& sets, const std::filesystem::path& path, bool force) {
  Json levels = Json::array();
  for (const PruneSet& set : sets)
    levels.push_back({{"name", set.name}, {"tensors", set.tensors}, {"percent", 100 * set.amount.fraction}});
  const Json json{{"format", "pare-levels"}, {"version", 1}, {"levels", std::move(levels)}};
  base::write_file(path, base::indented_text(json), force ? base::Publish::kReplace : base::Publish::kNew);
}

}  // namespace pare
