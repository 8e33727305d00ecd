#include "tokenize/charsmap.h"

#include <cstring>

#include "base/utf8.h"
#include "pare/error.h"
#include "tokenize/graphemes.h"

namespace pare::tokenize {
namespace {

// A unit of Darts-clone's double array: label, offset to the children, whether a value lies at label 0.
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t label(std::uint32_t unit) { return unit & (1U << 31 | 0xFF); }
std::size_t offset(std::uint32_t unit) { return std::size_t{unit >> 10} << ((unit & 1U << 9) >> 6); }
std::size_t value(std::uint32_t unit) { return unit & ((1U << 31) - 1); }

/// Longer clusters are replaced character by character.
constexpr std::size_t kLongestCluster = 5;

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::filesystem::path& path) {
  std::uint32_t size = 0;
  if (bytes.size() < sizeof size) throw Error(ErrorCode::kMalformed, path, "precompiled_charsmap: is cut off");
  std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(sizeof size);
  if (size > bytes.size() || size % 4 != 0 || size == 0)
    throw Error(
        ErrorCode::kMalformed, path,
        "precompiled_charsmap: has a trie of " + std::to_string(size) + " bytes in " + std::to_string(bytes.size()));
  units_.resize(size / 4);
  std::memcpy(units_.data(), bytes.data(), size);
  replacements_ = bytes.substr(size);
  if (const auto wrong = base::first_invalid_utf8(replacements_))
    throw Error(ErrorCode::kMalformed, path,
                "precompiled_charsmap: replacement at byte " + std::to_string(*wrong) + " is not UTF-8");
  for (std::size_t c = 0; c < ascii_.size(); ++c) {
    const char byte = static_cast<char>(c);
    if (const auto found = replacement({&byte, 1})) ascii_[c] = *found;
    stays_[c] = !ascii_[c] && byte != '\r';
  }
}

std::optional<std::string_view> Charsmap::replacement(std::string_view chunk) const {
  if (units_.empty()) return std::nullopt;
  std::size_t node = offset(units_[0]);
  for (const char c : chunk) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) break;
    node ^= byte;
    // A damaged trie may point anywhere; an offset outside it ends the walk.
    if (node >= units_.size() || label(units_[node]) != byte) return std::nullopt;
    const std::uint32_t unit = units_[node];
    node ^= offset(unit);
    if (!has_leaf(unit)) continue;
    if (node >= units_.size()) return std::nullopt;
    const std::size_t begin = value(units_[node]);
    if (begin > replacements_.size()) return std::nullopt;
    if (begin < replacements_.size() && (static_cast<unsigned char>(replacements_[begin]) & 0xC0) == 0x80)
      return std::nullopt;
    const std::string_view rest = std::string_view(replacements_).substr(begin);
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

void Charsmap::normalize_cluster(std::string_view cluster, std::string& normalized) const {
  if (cluster.size() <= kLongestCluster) {
    if (const auto found = replacement(cluster)) {
      normalized += *found;
      return;
    }
  }
  for (std::size_t at = 0; at < cluster.size();) {
    const std::string_view character = cluster.substr(at, base::character_size(cluster[at]));
    normalized += replacement(character).value_or(character);
    at += character.size();
  }
}

void Charsmap::normalize(std::string_view text, std::string& normalized) const {
  if (units_.empty()) {
    normalized += text;
    return;
  }
  for (std::size_t at = 0; at < text.size();) {
    std::size_t same = at;
    while (same < text.size() && stays_[static_cast<unsigned char>(text[same])]) ++same;
    if (same < text.size() && same > at && !base::is_ascii(text[same])) --same;  // it may begin a cluster
    normalized.append(text, at, same - at);
    at = same;
    if (at == text.size()) break;
    // Two ASCII characters never form a cluster, except CR LF.
    const bool alone =
        base::is_ascii(text[at]) && (at + 1 == text.size() || (base::is_ascii(text[at + 1]) && text[at] != '\r'));
    if (alone) {
      const auto& found = ascii_[static_cast<unsigned char>(text[at])];
      if (found)
        normalized += *found;
      else
        normalized.push_back(text[at]);
      ++at;
    } else {
      const std::size_t end = cluster_end(text, at);
      normalize_cluster(text.substr(at, end - at), normalized);
      at = end;
    }
  }
}

}  // namespace pare::tokenize
