#include "tokenize/steps/regex.h"

#include <algorithm>

#include "pare/error.h"
#include "tokenize/steps/regex_parser.h"

namespace pare::tokenize {
namespace {

/// Steps that a search may take beyond a number of steps for each byte; far more than any pattern in use needs.
constexpr std::uint64_t kMostWork = 2'000'000, kWorkPerByte = 64;

void spend(std::uint64_t& work, std::size_t size) {
  if (work-- == 0)
    throw Error(ErrorCode::kLimit,
                "a regular expression of the tokenizer takes too long on a text of " + std::to_string(size) + " bytes");
}

}  // namespace

Regex::Regex(std::string_view pattern, const Fail& fail) {
  RegexParser(pattern, fail, *this).parse();
  finish();
}

Regex::Regex(const std::vector<std::string>& literals) {
  nodes_.resize(2);
  start_ = 1;
  nodes_[1].kind = Node::Kind::kAny;
  for (const std::string& literal : literals) {
    nodes_[1].alternatives.push_back(static_cast<Index>(nodes_.size()));
    Node node;
    node.kind = Node::Kind::kLiteral;
    node.bytes = literal;
    nodes_.push_back(std::move(node));
  }
  finish();
}

void Regex::finish() {
  for (CharSet& set : sets_) set.finish();
  std::vector<std::optional<First>> known(nodes_.size());
  // Later nodes come first in what a node depends on, so recursion is shallow from the end.
  firsts_.resize(nodes_.size());
  for (Index i = 0; i < nodes_.size(); ++i) firsts_[i] = first_of(i, known);
  for (Node& node : nodes_) {
    if (node.kind != Node::Kind::kRepeat) continue;
    // If what follows cannot begin with a character of the set, shorter repetitions cannot match either.
    const Node& next = nodes_[node.next];
    if (node.next == 0 || next.kind == Node::Kind::kTextEnd)
      node.possessive = true;
    else if (next.kind == Node::Kind::kOne || (next.kind == Node::Kind::kRepeat && next.min > 0))
      node.possessive |= sets_[node.set].is_disjoint(sets_[next.set]);
  }
}

Regex::First Regex::first_of(Index index, std::vector<std::optional<First>>& known) const {
  if (known[index]) return *known[index];
  const Node& node = nodes_[index];
  First first;
  const auto add = [&](Index other) {
    const First more = first_of(other, known);
    for (std::size_t byte = 0; byte < first.bytes.size(); ++byte) first.bytes[byte] |= more.bytes[byte];
    first.empty |= more.empty;
  };
  const auto add_set = [&] {
    for (unsigned byte = 0; byte < 256; ++byte)
      first.bytes[byte] |= sets_[node.set].may_begin(static_cast<unsigned char>(byte));
  };
  switch (node.kind) {
    case Node::Kind::kAccept:
      first.empty = true;
      break;
    case Node::Kind::kOne:
      add_set();
      break;
    case Node::Kind::kRepeat:
      add_set();
      if (node.min == 0) add(node.next);
      break;
    case Node::Kind::kLiteral:
      if (node.bytes.empty())
        add(node.next);
      else
        first.bytes[static_cast<unsigned char>(node.bytes[0])] = true;
      break;
    case Node::Kind::kAny:
      for (const Index alternative : node.alternatives) add(alternative);
      break;
    default:
      add(node.next);  // anchors and lookahead take no characters
  }
  known[index] = first;
  return first;
}

Regex::Run Regex::begin(std::string_view text) { return {text, 0, kMostWork + kWorkPerByte * text.size()}; }

std::optional<Regex::Match> Regex::find(std::size_t from, Run& run) const {
  const std::string_view text = run.text;
  const First& first = firsts_[start_];
  for (std::size_t at = from; at < text.size(); at += base::character_size(text[at])) {
    if (!first.empty && !first.bytes[static_cast<unsigned char>(text[at])]) continue;
    if (match(start_, at, run)) return Match{at, run.end};
  }
  if (first.empty && from <= text.size() && match(start_, text.size(), run)) return Match{text.size(), run.end};
  return std::nullopt;
}

bool Regex::match(Index index, std::size_t at, Run& run) const {
  for (;;) {
    const Node& node = nodes_[index];
    switch (node.kind) {
      case Node::Kind::kAccept:
        run.end = at;
        return true;
      case Node::Kind::kOne: {
        const std::size_t size = sets_[node.set].match(run.text, at);
        if (size == 0) return false;
        at += size;
        break;
      }
      case Node::Kind::kLiteral:
        if (!run.text.substr(at).starts_with(node.bytes)) return false;
        at += node.bytes.size();
        break;
      case Node::Kind::kRepeat:
        if (!node.possessive) return match_repeat(node, at, run);
        {
          const CharSet& set = sets_[node.set];
          std::uint32_t count = 0;
          for (std::size_t size; count < node.max && (size = set.match(run.text, at)) != 0; ++count) at += size;
          if (count < node.min) return false;
        }
        break;
      case Node::Kind::kAny:
        return match_any(node, at, run);
      default:
        if (!holds(node, at, run)) return false;
    }
    index = node.next;
  }
}

bool Regex::match_repeat(const Node& node, std::size_t at, Run& run) const {
  const CharSet& set = sets_[node.set];
  const std::size_t begin = at;
  std::uint32_t count = 0;
  for (std::size_t size; count < node.max && (size = set.match(run.text, at)) != 0; ++count) at += size;
  const First& next = firsts_[node.next];
  for (;; --count) {
    if (count < node.min) return false;
    const bool may = next.empty || (at < run.text.size() && next.bytes[static_cast<unsigned char>(run.text[at])]);
    if (may && match(node.next, at, run)) return true;
    if (at == begin) return false;
    spend(run.work, run.text.size());
    do --at;
    while ((static_cast<unsigned char>(run.text[at]) & 0xC0) == 0x80);
  }
}

bool Regex::match_any(const Node& node, std::size_t at, Run& run) const {
  const bool ended = at == run.text.size();
  const auto byte = static_cast<unsigned char>(ended ? 0 : run.text[at]);
  return std::any_of(node.alternatives.begin(), node.alternatives.end(), [&](Index alternative) {
    const First& first = firsts_[alternative];
    spend(run.work, run.text.size());
    return (first.empty || (!ended && first.bytes[byte])) && match(alternative, at, run);
  });
}

bool Regex::holds(const Node& node, std::size_t at, Run& run) const {
  switch (node.kind) {
    case Node::Kind::kAhead:
      return match_any(node, at, run) != node.negated;
    case Node::Kind::kTextBegin:
      return at == 0;
    case Node::Kind::kTextEnd:
      return at == run.text.size();
    case Node::Kind::kLineBegin:
      return at == 0 || (run.text[at - 1] == '\n' && at != run.text.size());
    default:
      return at == run.text.size() || run.text[at] == '\n';
  }
}

}  // namespace pare::tokenize
