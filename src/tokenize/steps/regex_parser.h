// Turns the text of a regular expression into the nodes of a Regex.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenize/steps/regex.h"

namespace pare::tokenize {

class RegexParser {
 public:
  RegexParser(std::string_view pattern, const Regex::Fail& fail, Regex& result)
      : pattern_(pattern), fail_(fail), result_(result) {}
  void parse();

 private:
  using Node = Regex::Node;
  using Index = Regex::Index;
  /// What an item of a sequence became: its first node, and the one whose `next` is what follows the item.
  struct Item {
    Index first, last;
  };

  [[noreturn]] void fail(const std::string& cause) const;
  bool done() const { return at_ == pattern_.size(); }
  bool take(std::string_view text);
  char32_t take_character();
  std::uint32_t take_number();

  Index add(Node::Kind kind);
  Node& node(Index index) { return result_.nodes_[index]; }

  std::vector<Index> alternatives(Index next);
  Index sequence(Index next);
  Item item();
  Item group();
  Item ahead(bool negated);
  Item escape();
  Item single(CharSet set);
  Item literal(char32_t code);
  void repeat(Item& item);
  void quantify(Index index, std::uint32_t min, std::uint32_t max);

  CharSet bracket();
  void bracket_item(CharSet& set);
  /// Adds what \s, \p{...} and the like stand for; false if the escape is a single character.
  bool class_escape(CharSet& set);
  char32_t escaped_character();
  void property(CharSet& set, bool negated);

  std::string_view pattern_;
  const Regex::Fail& fail_;
  Regex& result_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool ignore_case_ = false;
};

}  // namespace pare::tokenize
