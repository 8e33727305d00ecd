#include "eval/bleu.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "base/text_data.h"

namespace pare::eval {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Symbols that stand alone: ASCII punctuation but for ' - . and the comma.
bool stands_alone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
         (c >= ':' && c <= '@') || c == '/';
}

// mteval's four rules, each a pass over the text as its regular expressions are.
std::string separate_symbols(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (stands_alone(c))
      result.append({' ', c, ' '});
    else
      result += c;
  }
  return result;
}

bool is_mark(char c) { return c == '.' || c == ','; }

/// ([^0-9])([.,]) -> "\1 \2 ": pairs are taken from left to right and do not overlap.
std::string separate_marks_after_others(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    result += text[i];
    // A match's first part is a whole character: its last byte stands before the mark.
    if (is_digit(text[i]) || i + 1 == text.size() || !is_mark(text[i + 1])) continue;
    result.append({' ', text[++i], ' '});
  }
  return result;
}

/// ([.,])([^0-9]) -> " \1 \2".
std::string separate_marks_before_others(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_mark(text[i]) || i + 1 == text.size() || is_digit(text[i + 1])) {
      result += text[i];
      continue;
    }
    result.append({' ', text[i], ' ', text[i + 1]});
    ++i;
  }
  return result;
}

/// ([0-9])(-) -> "\1 \2 ".
std::string separate_dashes_after_digits(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    result += text[i];
    if (is_digit(text[i]) && i + 1 < text.size() && text[i + 1] == '-') result.append({' ', text[++i], ' '});
  }
  return result;
}

using Gram = std::vector<std::string_view>;
using GramCounts = std::map<Gram, std::uint64_t>;

GramCounts count_grams(const std::vector<std::string>& tokens, std::size_t order) {
  GramCounts counts;
  for (std::size_t i = 0; i + order <= tokens.size(); ++i) ++counts[Gram(&tokens[i], &tokens[i] + order)];
  return counts;
}

}  // namespace

std::vector<std::string> bleu_tokens(std::string_view line) {
  std::string text(base::stripped(line));
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"<skipped>", ""}, {"-\n", ""}, {"\n", " "}})
    replace_all(text, from, to);
  if (text.find('&') != std::string::npos)
    for (const auto& [from, to] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
             {"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}})
      replace_all(text, from, to);
  text = separate_symbols(" " + text + " ");
  text = separate_marks_after_others(text);
  text = separate_marks_before_others(text);
  text = separate_dashes_after_digits(text);
  return base::split_words(text);
}

void Bleu::add(std::string_view hypothesis, std::string_view reference) {
  const std::vector<std::string> ours = bleu_tokens(hypothesis), theirs = bleu_tokens(reference);
  hypothesis_length_ += ours.size();
  reference_length_ += theirs.size();
  for (std::size_t order = 1; order <= matches_.size(); ++order) {
    const GramCounts expected = count_grams(theirs, order);
    for (const auto& [gram, count] : count_grams(ours, order)) {
      totals_[order - 1] += count;
      if (const auto found = expected.find(gram); found != expected.end())
        matches_[order - 1] += std::min(count, found->second);
    }
  }
}

double Bleu::score() const {
  if (std::all_of(matches_.begin(), matches_.end(), [](std::uint64_t n) { return n == 0; })) return 0;
  double smoothing = 1, logs = 0;
  for (std::size_t i = 0; i < matches_.size(); ++i) {
    if (totals_[i] == 0) return 0;  // no sentence is that long: log(0)
    const auto total = static_cast<double>(totals_[i]);
    // Each order without a match counts half of what the one before it would (Chen and Cherry 2014, method 3).
    if (matches_[i] == 0) smoothing *= 2;
    logs += std::log(matches_[i] == 0 ? 1 / (smoothing * total) : static_cast<double>(matches_[i]) / total);
  }
  const auto ours = static_cast<double>(hypothesis_length_), theirs = static_cast<double>(reference_length_);
  const double brevity = ours >= theirs ? 1 : std::exp(1 - theirs / ours);
  return 100 * brevity * std::exp(logs / static_cast<double>(matches_.size()));
}

}  // namespace pare::eval
