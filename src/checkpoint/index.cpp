#include "checkpoint/index.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr std::size_t kIndexLimit = 100'000'000;

/// Whether a path stays below the directory of the index.
bool is_inside(std::string_view path) {
  if (path.find('\\') != std::string_view::npos || path.find('\0') != std::string_view::npos) return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace

std::string_view ShardIndex::tensor(std::size_t entry) const {
  const std::size_t begin = entry == 0 ? 0 : ends_[entry - 1];
  return std::string_view(names_).substr(begin, ends_[entry] - begin);
}

std::optional<std::size_t> ShardIndex::find(std::string_view tensor) const {
  return index_.find(tensor, [this](std::size_t entry) { return this->tensor(entry); });
}

void ShardIndex::add(std::string_view tensor, std::uint32_t shard) {
  const std::size_t length = names_.size();
  names_ += tensor;
  ends_.push_back(static_cast<std::uint32_t>(names_.size()));
  const std::size_t entry = index_.add(ends_.size() - 1, [this](std::size_t known) { return this->tensor(known); });
  if (entry == shard_of_.size()) return shard_of_.push_back(shard);
  names_.resize(length);
  ends_.pop_back();
  shard_of_[entry] = shard;
}

void ShardIndex::number_shards(const std::map<std::string, std::uint32_t, std::less<>>& numbers) {
  std::vector<bool> used(numbers.size());
  for (const std::uint32_t shard : shard_of_) used[shard] = true;
  std::vector<std::uint32_t> place(numbers.size());
  for (const auto& [shard, number] : numbers) {
    if (!used[number]) continue;
    place[number] = static_cast<std::uint32_t>(shards_.size());
    shards_.push_back(shard);
  }
  for (std::uint32_t& shard : shard_of_) shard = place[shard];
}

ShardIndex parse_index(std::string_view text, const std::filesystem::path& path) {
  if (text.size() > kIndexLimit)
    throw Error(ErrorCode::kLimit, path, fmt::format("the index is larger than {} bytes", kIndexLimit));
  if (text.empty()) throw Error(ErrorCode::kMalformed, path, "the index is empty");
  const base::JsonDocument document(text, path, base::kJsonDepth, "the index");
  const base::JsonValue root = document.root();
  const auto weights = root.is_object() ? root.find("weight_map") : std::nullopt;
  if (!weights || !weights->is_object())
    throw Error(ErrorCode::kMalformed, path, "the index has no 'weight_map' object");
  ShardIndex index;
  std::map<std::string, std::uint32_t, std::less<>> numbers;
  weights->for_members([&](std::string_view tensor, const base::JsonValue& file) {
    if (!file.is_text())
      throw Error(ErrorCode::kMalformed, path, std::string(tensor), "its entry in 'weight_map' is not a file name");
    const std::string_view shard = file.text();
    if (!is_inside(shard))
      throw Error(ErrorCode::kMalformed, path, std::string(tensor),
                  fmt::format("shard '{}' is not a file below the directory of the index", shard));
    auto number = numbers.find(shard);
    if (number == numbers.end())
      number = numbers.emplace(std::string(shard), static_cast<std::uint32_t>(numbers.size())).first;
    index.add(tensor, number->second);
  });
  index.number_shards(numbers);
  if (index.size() == 0) throw Error(ErrorCode::kMalformed, path, "the index names no tensor");
  return index;
}

void IndexComparison::see(std::size_t shard, std::string_view tensor) {
  const std::optional<std::size_t> entry = index_.find(tensor);
  if (!entry) return unlisted_.add(tensor);
  seen_[*entry] = true;
  if (index_.shard(*entry) != shard) elsewhere_.add(tensor);
}

std::vector<std::string> IndexComparison::notes(const std::string& file) const {
  Named absent;
  for (std::size_t entry = 0; entry < seen_.size(); ++entry) {
    if (seen_[entry]) continue;
    absent.add(index_.tensor(entry));
    if (index_.tensor(entry) < absent.first) absent.first = index_.tensor(entry);
  }
  std::vector<std::string> notes;
  const auto note = [&](const Named& names, const char* what) {
    if (names.count != 0)
      notes.push_back(
          fmt::format("{}: {} {} ({}{})", file, names.count, what, names.first, names.count > 1 ? ", ..." : ""));
  };
  note(unlisted_, "tensors of its shards are not listed, and are read all the same");
  note(elsewhere_, "tensors are in other shards than it says");
  note(absent, "tensors that it lists are in no shard");
  return notes;
}

}  // namespace pare::checkpoint
