#include "tokenize/byte_trie.h"

#include <algorithm>

namespace pare::tokenize {

/// Places the children of one node after another, breadth first, over the sorted keys.
struct ByteTrie::Builder {
  using Entries = std::vector<std::pair<std::string_view, std::int32_t>>;
  struct Node {
    std::int32_t unit;
    std::size_t begin, end, depth;  // its keys, equal in their first `depth` bytes
  };

  std::vector<Unit>& units;
  const Entries& entries;
  std::vector<Node> queue;
  std::vector<Node> children;
  std::size_t free = 1;  // positions below it are not worth searching

  unsigned label(std::size_t entry, std::size_t depth) const {
    return static_cast<unsigned char>(entries[entry].first[depth]);
  }

  void reserve(std::size_t unit) {
    if (unit >= units.size()) units.resize(std::max(unit + 1, units.size() + units.size() / 2));
  }

  bool is_free(std::size_t unit) const { return unit >= units.size() || units[unit].parent < 0; }

  bool fits(std::size_t base, std::size_t depth) const {
    return std::all_of(children.begin(), children.end(),
                       [&](const Node& child) { return is_free(base + label(child.begin, depth)); });
  }

  std::size_t find_base(std::size_t depth) {
    const std::size_t first = label(children.front().begin, depth);
    while (free < units.size() && units[free].parent >= 0) ++free;
    std::size_t place = std::max(free, first + 1);
    for (std::size_t tried = 0; !(is_free(place) && fits(place - first, depth)); ++place)
      // Skip positions where a node of this length did not fit; otherwise keys could make this quadratic.
      if (++tried == 4096) free = place;
    return place - first;
  }

  void place(const Node& node) {
    std::size_t begin = node.begin;
    if (entries[begin].first.size() == node.depth) units[node.unit].value = entries[begin++].second;
    children.clear();
    for (std::size_t next = begin; begin < node.end; begin = next) {
      while (next < node.end && label(next, node.depth) == label(begin, node.depth)) ++next;
      children.push_back({0, begin, next, node.depth + 1});
    }
    if (children.empty()) return;
    const std::size_t base = find_base(node.depth);
    units[node.unit].base = static_cast<std::int32_t>(base);
    for (Node& child : children) {
      const std::size_t unit = base + label(child.begin, node.depth);
      reserve(unit);
      units[unit].parent = node.unit;
      child.unit = static_cast<std::int32_t>(unit);
      queue.push_back(child);
    }
  }
};

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, std::int32_t>> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<std::string_view, std::int32_t>> unique;
  for (const auto& entry : entries) {
    if (entry.first.empty()) continue;
    if (!unique.empty() && unique.back().first == entry.first)
      unique.back() = entry;
    else
      unique.push_back(entry);
  }
  empty_ = unique.empty();
  units_.resize(512);
  units_[0].parent = 0;
  if (!empty_) {
    Builder builder{units_, unique, {}, {}};
    builder.queue.push_back({0, 0, unique.size(), 0});
    for (std::size_t i = 0; i < builder.queue.size(); ++i) builder.place(typename Builder::Node(builder.queue[i]));
  }
  // Padding: a lookup adds a byte to any base without a bounds check.
  std::int32_t highest = 0;
  for (const Unit& unit : units_) highest = std::max(highest, unit.base);
  units_.resize(static_cast<std::size_t>(highest) + 256);
  units_.shrink_to_fit();
}

}  // namespace pare::tokenize
