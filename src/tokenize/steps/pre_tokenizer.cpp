#include "tokenize/steps/pre_tokenizer.h"

namespace pare::tokenize {

void PreTokenizer::add_runs(Step::Kind kind, Split behavior) {
  Step step;
  step.kind = kind;
  step.behavior = behavior;
  add(std::move(step));
}

void PreTokenizer::add_split(Regex regex, Split behavior, bool invert) {
  Step step;
  step.kind = Step::Kind::kRegex;
  step.behavior = behavior;
  step.invert = invert;
  step.regex = std::move(regex);
  add(std::move(step));
}

void PreTokenizer::add_metaspace(Prefix prefix, bool cut) {
  Step step;
  step.kind = Step::Kind::kMetaspace;
  step.prefix = prefix;
  step.cut = cut;
  step.spaced = !ends_in(Step::Kind::kWhitespaceSplit);
  add(std::move(step));
}

void PreTokenizer::mark_spaces(const Step& step, std::string_view text, std::size_t& first, std::string& marked) {
  marked.clear();
  const bool wanted = step.prefix == Prefix::kAlways || (step.prefix == Prefix::kFirst && first != 0);
  const bool prefixed = wanted && !text.starts_with(' ') && !text.starts_with(kSpaceMark);
  if (prefixed) marked += kSpaceMark;
  std::size_t grown = prefixed && first != 0 ? first + kSpaceMark.size() : first;
  const bool spaced = step.spaced && text.find(' ') != std::string_view::npos;
  if (!spaced) marked += text;
  for (std::size_t at = 0; spaced && at < text.size(); ++at) {
    if (text[at] != ' ') {
      marked.push_back(text[at]);
    } else {
      marked += kSpaceMark;
      if (at < first) grown += kSpaceMark.size() - 1;
    }
  }
  first = grown;
}

void PreTokenizer::change(const Step& step, std::string_view text, std::size_t& first, std::string& changed) {
  if (step.kind == Step::Kind::kMetaspace) return mark_spaces(step, text, first, changed);
  changed.clear();
  if (step.kind == Step::Kind::kAddSpace) {
    const bool added = !text.starts_with(' ');
    if (added) changed = " ";
    changed += text;
    if (added && first != 0) ++first;
  } else {
    for (const char byte : text) changed += ByteAlphabet::get().token(static_cast<unsigned char>(byte));
  }
}

std::vector<PreTokenizer::Piece> PreTokenizer::split(const Step& step, std::string_view text) {
  struct Part {
    std::size_t begin, end;
    bool matches;
  };
  std::vector<Part> parts;
  std::size_t done = 0;
  const auto put = [&](std::size_t begin, std::size_t end) {
    if (done < begin) parts.push_back({done, begin, step.invert});
    parts.push_back({begin, end, !step.invert});
    done = end;
  };
  if (step.kind == Step::Kind::kPunctuation) {
    for (std::size_t at = 0; at < text.size();) {
      const base::Character character = base::character_at(text, at);
      if (CodePoints::get()[character.code].words() == WordClass::kPunctuation) put(at, at + character.size);
      at += character.size;
    }
  } else {
    step.regex->for_matches(text, [&](const Regex::Match& match) { put(match.begin, match.end); });
  }
  if (done < text.size()) parts.push_back({done, text.size(), step.invert});
  std::vector<Piece> pieces;
  if (step.behavior == Split::kMergedWithNext) std::reverse(parts.begin(), parts.end());
  bool before = false;
  for (const Part& part : parts) {
    const bool joins =
        !pieces.empty() && (step.behavior == Split::kContiguous ? part.matches == before : part.matches && !before);
    if (step.behavior == Split::kRemoved) {
      if (!part.matches) pieces.push_back({part.begin, part.end});
    } else if (joins && step.behavior == Split::kMergedWithNext) {
      pieces.back().begin = part.begin;
    } else if (joins && step.behavior != Split::kIsolated) {
      pieces.back().end = part.end;
    } else {
      pieces.push_back({part.begin, part.end});
    }
    before = part.matches;
  }
  if (step.behavior == Split::kMergedWithNext) std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

}  // namespace pare::tokenize
