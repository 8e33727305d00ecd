// Index files: which shard holds which tensor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/name_index.h"

namespace pare::checkpoint {

/// The shard of each tensor. There may be a million tensors, so their names stand in one text.
class ShardIndex {
 public:
  const std::vector<std::string>& shards() const noexcept { return shards_; }  ///< paths, each once, in order
  std::size_t size() const noexcept { return ends_.size(); }                   ///< number of tensors
  std::string_view tensor(std::size_t entry) const;
  /// Index into shards().
  std::size_t shard(std::size_t entry) const { return shard_of_[entry]; }
  std::optional<std::size_t> find(std::string_view tensor) const;

 private:
  friend ShardIndex parse_index(std::string_view text, const std::filesystem::path& path);
  /// Of a tensor's entries the last counts.
  void add(std::string_view tensor, std::uint32_t shard);
  /// Sets the shards from `numbers`, by which add() was given them; one in which no tensor is left counts no more.
  void number_shards(const std::map<std::string, std::uint32_t, std::less<>>& numbers);

  std::string names_;
  std::vector<std::uint32_t> ends_;  ///< of each name; an index has less than 2^32 bytes
  std::vector<std::uint32_t> shard_of_;
  std::vector<std::string> shards_;
  NameIndex index_;
};

/// Parses the text of a *.index.json; of a tensor's entries the last counts, as in Python. Throws Error naming `path`.
/// A shard is a relative path without "..", so that an index cannot reach outside its directory.
ShardIndex parse_index(std::string_view text, const std::filesystem::path& path);

/// Compares an index with what its shards hold. Readers of indices take the tensors that the shards hold; what the
/// index says otherwise is worth a note only.
class IndexComparison {
 public:
  explicit IndexComparison(const ShardIndex& index) : index_(index), seen_(index.size()) {}
  /// The shard at `shard` of index.shards() holds a tensor of this name.
  void see(std::size_t shard, std::string_view tensor);
  /// A sentence for each kind of difference, which begins with `file`.
  std::vector<std::string> notes(const std::string& file) const;

 private:
  struct Named {
    std::size_t count = 0;
    std::string first;
    void add(std::string_view name) {
      if (count++ == 0) first = name;
    }
  };

  const ShardIndex& index_;
  std::vector<bool> seen_;
  Named unlisted_, elsewhere_;
};

}  // namespace pare::checkpoint
