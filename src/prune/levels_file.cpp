// A non-uniform allocation as a JSON file.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/file_map.h"
#include "base/output.h"
#include "pare/error.h"
#include "pare/prune.h"

namespace pare {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLargest = 64U << 20;  // bytes; a file of levels has a line for each tensor

PruneSet set_of(const Json& entry, const std::filesystem::path& path, std::size_t index) {
  const auto fail = [&](const std::string& cause) { throw Error(path, fmt::format("levels[{}]: {}", index, cause)); };
  if (!entry.is_object()) fail("is no object");
  PruneSet set;
  const auto name = entry.find("name"), tensors = entry.find("tensors"), percent = entry.find("percent");
  if (tensors == entry.end() || !tensors->is_array() || tensors->empty()) fail("has no list 'tensors'");
  for (const Json& tensor : *tensors) {
    if (!tensor.is_string()) fail("'tensors' holds something that is no string");
    set.tensors.push_back(tensor.get<std::string>());
  }
  set.name = name != entry.end() && name->is_string() ? name->get<std::string>() : set.tensors.front();
  if (percent == entry.end() || !percent->is_number()) fail("has no number 'percent'");
  const double value = percent->get<double>();
  if (!(value >= 0 && value <= 100)) fail(fmt::format("{} is no percentage between 0 and 100", value));
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
  const auto map = base::FileMap::open(path);
  if (map->bytes().size() > kLargest) throw Error(path, "is too large for a file of levels");
  const auto* text = reinterpret_cast<const char*>(map->bytes().data());
  const Json json = Json::parse(text, text + map->bytes().size(), nullptr, false);
  if (json.is_discarded()) throw Error(path, "is no valid JSON");
  if (!json.is_object() || !json.contains("levels") || !json["levels"].is_array())
    throw Error(path, "is no file of levels: it has no list 'levels'");
  std::vector<PruneSet> sets;
  for (const Json& entry : json["levels"]) sets.push_back(set_of(entry, path, sets.size()));
  if (sets.empty()) throw Error(path, "has no level");
  return sets;
}

void write_levels(const std::vector<PruneSet>& sets, const std::filesystem::path& path) {
  Json levels = Json::array();
  for (const PruneSet& set : sets)
    levels.push_back({{"name", set.name}, {"tensors", set.tensors}, {"percent", 100 * set.amount.fraction}});
  const Json json{{"format", "pare-levels"}, {"version", 1}, {"levels", std::move(levels)}};
  base::write_file(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace pare
