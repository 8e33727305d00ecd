#include "tokenize/steps/regex_parser.h"

#include <algorithm>

#include "base/utf8.h"
#include "pare/error.h"

namespace pare::tokenize {
namespace {

constexpr std::size_t kLongestPattern = 4096, kMostNodes = 1024;
constexpr std::uint32_t kMostRepeats = 1000;
constexpr int kDeepest = 32;

constexpr std::string_view kCategoryNames[] = {"Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd",
                                               "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm",
                                               "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co"};

/// Bits of the categories that a name such as "L" or "Lu" stands for; 0 if it stands for none.
std::uint32_t categories_of(std::string_view name) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < std::size(kCategoryNames); ++i)
    if (kCategoryNames[i] == name || (name.size() == 1 && kCategoryNames[i].starts_with(name))) mask |= 1U << i;
  return mask;
}

bool is_letter_or_digit(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

void RegexParser::fail(const std::string& cause) const {
  fail_("'" + std::string(pattern_.substr(0, 200)) + "': " + cause + " (at byte " + std::to_string(at_) + ")");
  throw Error(ErrorCode::kUnsupported, cause);  // not reached: fail_ throws
}

void RegexParser::parse() {
  if (pattern_.size() > kLongestPattern) fail("is longer than " + std::to_string(kLongestPattern) + " bytes");
  add(Node::Kind::kAccept);
  const std::vector<Index> found = alternatives(0);
  if (!done()) fail("')' without '('");
  if (found.size() == 1) {
    result_.start_ = found[0];
  } else {
    result_.start_ = add(Node::Kind::kAny);
    node(result_.start_).alternatives = found;
  }
}

bool RegexParser::take(std::string_view text) {
  if (!pattern_.substr(at_).starts_with(text)) return false;
  at_ += text.size();
  return true;
}

char32_t RegexParser::take_character() {
  if (done()) fail("ends too early");
  const base::Character character = base::character_at(pattern_, at_);
  at_ += character.size;
  return character.code;
}

std::uint32_t RegexParser::take_number() {
  std::uint32_t number = 0;
  const std::size_t begin = at_;
  for (; !done() && pattern_[at_] >= '0' && pattern_[at_] <= '9'; ++at_) {
    number = number * 10 + static_cast<std::uint32_t>(pattern_[at_] - '0');
    if (number > kMostRepeats) fail("repeats more than " + std::to_string(kMostRepeats) + " times");
  }
  if (at_ == begin) fail("a number is missing");
  return number;
}

RegexParser::Index RegexParser::add(Node::Kind kind) {
  if (result_.nodes_.size() == kMostNodes) fail("has too many parts");
  result_.nodes_.emplace_back().kind = kind;
  return static_cast<Index>(result_.nodes_.size() - 1);
}

std::vector<RegexParser::Index> RegexParser::alternatives(Index next) {
  if (++depth_ > kDeepest) fail("is nested too deeply");
  std::vector<Index> found;
  do found.push_back(sequence(next));
  while (take("|"));
  --depth_;
  return found;
}

RegexParser::Index RegexParser::sequence(Index next) {
  const Index begin = add(Node::Kind::kLiteral);
  Index last = begin;
  while (!done() && pattern_[at_] != '|' && pattern_[at_] != ')') {
    Item next_item = item();
    repeat(next_item);
    node(last).next = next_item.first;
    last = next_item.last;
  }
  node(last).next = next;
  // The node at the beginning only joins; a sequence of one part or more begins with its first part.
  return node(begin).next == next ? begin : node(begin).next;
}

RegexParser::Item RegexParser::item() {
  if (take("(")) return group();
  if (take("[")) return single(bracket());
  if (take("\\")) return escape();
  const auto anchor = [&](Node::Kind kind) {
    const Index index = add(kind);
    return Item{index, index};
  };
  if (take("^")) return anchor(Node::Kind::kLineBegin);
  if (take("$")) return anchor(Node::Kind::kLineEnd);
  if (take(".")) {
    CharSet set;
    set.add('\n', '\n');
    set.negate();
    return single(std::move(set));
  }
  if (pattern_[at_] == '*' || pattern_[at_] == '+' || pattern_[at_] == '?') fail("nothing is repeated");
  return literal(take_character());
}

RegexParser::Item RegexParser::group() {
  const bool outer_case = ignore_case_;
  if (take("?=")) return ahead(false);
  if (take("?!")) return ahead(true);
  if (take("?i:"))
    ignore_case_ = true;
  else if (!take("?:") && pattern_.substr(at_).starts_with("?"))
    fail("this kind of group is not supported");
  const Index any = add(Node::Kind::kAny), join = add(Node::Kind::kLiteral);
  std::vector<Index> found = alternatives(join);
  node(any).alternatives = std::move(found);
  if (!take(")")) fail("'(' without ')'");
  ignore_case_ = outer_case;
  return {any, join};
}

RegexParser::Item RegexParser::ahead(bool negated) {
  const Index index = add(Node::Kind::kAhead);
  std::vector<Index> found = alternatives(0);
  node(index).alternatives = std::move(found);
  node(index).negated = negated;
  if (!take(")")) fail("'(' without ')'");
  return {index, index};
}

RegexParser::Item RegexParser::escape() {
  if (take("A")) {
    const Index index = add(Node::Kind::kTextBegin);
    return {index, index};
  }
  if (take("z")) {
    const Index index = add(Node::Kind::kTextEnd);
    return {index, index};
  }
  CharSet set;
  const bool word = pattern_.substr(at_).starts_with("w"), other = pattern_.substr(at_).starts_with("W");
  if (!class_escape(set)) return literal(escaped_character());
  if (word || other) {  // outside brackets, Oniguruma has a few more of them: superscripts and fractions of Latin-1
    CharSet words;
    words.add_words();
    for (const char32_t c : {U'\u00B2', U'\u00B3', U'\u00B9', U'\u00BC', U'\u00BD', U'\u00BE'}) words.add(c, c);
    if (other) words.negate();
    return single(std::move(words));
  }
  return single(std::move(set));
}

RegexParser::Item RegexParser::single(CharSet set) {
  const Index index = add(Node::Kind::kOne);
  node(index).set = static_cast<Index>(result_.sets_.size());
  result_.sets_.push_back(std::move(set));
  return {index, index};
}

RegexParser::Item RegexParser::literal(char32_t code) {
  const bool letter = is_letter_or_digit(code);
  if (ignore_case_ && code >= 0x80) fail("case is ignored in ASCII only");
  if (ignore_case_ && letter) {
    // Oniguruma also finds a ligature where two letters are written, which this matcher does not.
    const std::string_view before = pattern_.substr(0, at_);
    for (const std::string_view pair : {"ss", "st", "ff", "fi", "fl", "SS", "ST", "FF", "FI", "FL"})
      if (before.ends_with(pair)) fail("'" + std::string(pair) + "' is not supported where case is ignored");
    CharSet set;
    set.add(code, code);
    set.ignore_case();
    return single(std::move(set));
  }
  const Index index = add(Node::Kind::kLiteral);
  base::append_utf8(node(index).bytes, code);
  return {index, index};
}

void RegexParser::repeat(Item& item) {
  std::uint32_t min = 0, max = Regex::kUnbounded;
  const bool counted = !done() && pattern_[at_] == '{';
  if (take("+")) {
    min = 1;
  } else if (take("?")) {
    max = 1;
  } else if (take("{")) {
    min = pattern_.substr(at_).starts_with(",") ? 0 : take_number();
    max = min;
    if (take(",")) max = pattern_.substr(at_).starts_with("}") ? Regex::kUnbounded : take_number();
    if (!take("}") || max < min) fail("a repetition is malformed");
  } else if (!take("*")) {
    return;
  }
  const bool possessive = !counted && take("+");
  if (!done() && std::string_view("?*+{").find(pattern_[at_]) != std::string_view::npos)
    fail("this kind of repetition is not supported");
  if (node(item.first).kind == Node::Kind::kLiteral) {  // a single character
    CharSet set;
    const char32_t code = base::character_at(node(item.first).bytes, 0).code;
    set.add(code, code);
    item = single(std::move(set));
  }
  if (node(item.first).kind == Node::Kind::kOne) {
    quantify(item.first, min, max);
    node(item.first).possessive = possessive;
  } else if (node(item.first).kind == Node::Kind::kAny && min == 0 && max == 1 && !possessive) {
    node(item.first).alternatives.push_back(item.last);
  } else {
    fail("only single characters are repeated, and groups may only be absent");
  }
}

void RegexParser::quantify(Index index, std::uint32_t min, std::uint32_t max) {
  Node& repeated = node(index);
  repeated.kind = Node::Kind::kRepeat;
  repeated.min = min;
  repeated.max = max;
}

CharSet RegexParser::bracket() {
  if (++depth_ > kDeepest) fail("is nested too deeply");
  CharSet set;
  const bool negated = take("^");
  if (take("]")) fail("a bracket is empty");
  while (!take("]")) {
    if (pattern_.substr(at_).starts_with("&&") || pattern_.substr(at_).starts_with("[:"))
      fail("'" + std::string(pattern_.substr(at_, 2)) + "' is not supported");
    bracket_item(set);
  }
  if (ignore_case_) set.ignore_case();
  if (negated) set.negate();
  --depth_;
  return set;
}

void RegexParser::bracket_item(CharSet& set) {
  if (take("[")) {
    CharSet inner = bracket();
    return set.add(std::move(inner));
  }
  char32_t first = 0;
  if (take("\\")) {
    if (class_escape(set)) return;
    first = escaped_character();
  } else {
    first = take_character();
  }
  char32_t last = first;
  const std::string_view rest = pattern_.substr(at_);
  if (rest.starts_with("-") && !rest.starts_with("-]")) {
    take("-");
    if (take("\\")) {
      CharSet unused;
      if (class_escape(unused)) fail("a range ends in a class");
      last = escaped_character();
    } else {
      if (pattern_.substr(at_).starts_with("[")) fail("a range ends in a bracket");
      last = take_character();
    }
  }
  if (last < first) fail("a range ends before it begins");
  if (ignore_case_ && last >= 0x80) fail("case is ignored in ASCII only");
  set.add(first, last);
}

bool RegexParser::class_escape(CharSet& set) {
  if (done()) fail("ends in a backslash");
  const char kind = pattern_[at_];
  if (std::string_view("sSwWdDpP").find(kind) == std::string_view::npos) return false;
  ++at_;
  if (kind == 'p' || kind == 'P') {
    property(set, kind == 'P');
    return true;
  }
  const auto put = [&](CharSet& to) {
    if (kind == 's' || kind == 'S') to.add_spaces();
    if (kind == 'w' || kind == 'W') to.add_words();
    if (kind == 'd' || kind == 'D') to.add_categories(categories_of("Nd"));
  };
  if (kind == 's' || kind == 'w' || kind == 'd') {
    put(set);
  } else {
    CharSet inner;
    put(inner);
    inner.negate();
    set.add(std::move(inner));
  }
  return true;
}

void RegexParser::property(CharSet& set, bool negated) {
  if (!take("{")) fail("'{' is missing");
  if (take("^")) negated = !negated;
  const std::size_t end = pattern_.find('}', at_);
  if (end == std::string_view::npos) fail("'}' is missing");
  const std::string_view name = pattern_.substr(at_, end - at_);
  const std::uint32_t mask = categories_of(name);
  if (mask == 0) fail("'" + std::string(name) + "' is not a general category");
  at_ = end + 1;
  constexpr std::uint32_t kAll = (1U << std::size(kCategoryNames)) - 1;
  set.add_categories(negated ? kAll & ~mask : mask);
}

char32_t RegexParser::escaped_character() {
  const char32_t code = take_character();
  if (!is_letter_or_digit(code)) return code;
  switch (code) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case 'a':
      return '\a';
    case 'e':
      return 0x1B;
    default:
      at_ -= 1;
      fail("this escape is not supported");
  }
}

}  // namespace pare::tokenize
