// Regular expressions of tokenizer.json: the part of Oniguruma's syntax that pre-tokenizers and normalizers use.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/steps/char_set.h"

namespace pare::tokenize {

/// A backtracking matcher with Oniguruma's results: the leftmost match, the first alternative that matches, repetitions
/// as long as possible. Supported: literals, escapes, brackets (nested ones too), \p{...} of general categories, \s \w
/// \d and their complements, groups that do not capture, (?i:), alternatives, repetitions of single characters, a group
/// that may be absent, lookahead, and anchors.
class Regex {
 public:
  /// `fail(cause)` must throw; it is called for syntax outside that list.
  using Fail = std::function<void(const std::string& cause)>;
  Regex(std::string_view pattern, const Fail& fail);
  /// Matches one of some texts exactly, the first one that fits.
  explicit Regex(const std::vector<std::string>& literals);

  struct Match {
    std::size_t begin, end;
  };
  /// The first match that begins at or after `from`. Throws Error (kLimit) if the search takes too long, which a
  /// pattern in a damaged file can cause.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

  /// Calls found(match) for every match in turn. An empty match next to the one before it does not count.
  template <class Found>
  void for_matches(std::string_view text, Found&& found) const {
    Run run = begin(text);
    std::size_t from = 0, last = std::string_view::npos;
    while (from <= text.size()) {
      const std::optional<Match> match = find(from, run);
      if (!match) return;
      if (match->begin == match->end && match->end == last) {
        if (from == text.size()) return;
        from += base::character_size(text[from]);
        continue;
      }
      found(*match);
      from = last = match->end;
    }
  }

 private:
  friend class RegexParser;
  using Index = std::uint32_t;
  static constexpr std::uint32_t kUnbounded = ~std::uint32_t{0};

  struct Node {
    enum class Kind : std::uint8_t {
      kAccept,
      kOne,        // a character of the set
      kRepeat,     // min to max of them, as many as possible
      kLiteral,    // bytes
      kAny,        // the first alternative after which the rest matches
      kAhead,      // the alternatives must match here, or must not
      kTextBegin,  // \A
      kTextEnd,    // \z
      kLineBegin,  // ^
      kLineEnd     // $
    };
    Kind kind = Kind::kAccept;
    bool negated = false;     // kAhead
    bool possessive = false;  // kRepeat: never gives back
    Index next = 0;           // the node after it; 0 is kAccept
    Index set = 0;
    std::uint32_t min = 1, max = 1;
    std::string bytes;
    std::vector<Index> alternatives;
  };
  /// The bytes with which a match of a node and what follows may begin; none at all for a match that may be empty.
  struct First {
    std::array<bool, 256> bytes{};
    bool empty = false;
  };
  struct Run {
    std::string_view text;
    std::size_t end = 0;
    std::uint64_t work = 0;  // steps that it may still take
  };

  static Run begin(std::string_view text);
  /// The first match that begins at or after `from`.
  std::optional<Match> find(std::size_t from, Run& run) const;
  void finish();
  First first_of(Index node, std::vector<std::optional<First>>& known) const;
  bool match(Index node, std::size_t at, Run& run) const;
  bool match_repeat(const Node& node, std::size_t at, Run& run) const;
  bool match_any(const Node& node, std::size_t at, Run& run) const;
  bool holds(const Node& node, std::size_t at, Run& run) const;

  std::vector<Node> nodes_;
  std::vector<First> firsts_;  // of each node
  std::vector<CharSet> sets_;
  Index start_ = 0;
};

}  // namespace pare::tokenize
