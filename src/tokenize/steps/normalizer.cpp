#include "tokenize/steps/normalizer.h"

#include <algorithm>

#include "base/utf8.h"
#include "tokenize/graphemes.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {
namespace {

/// What is left of `text` when characters of a class are removed from its ends.
template <class Class>
std::string_view trimmed(std::string_view text, bool left, bool right, Class&& goes) {
  while (right && !text.empty()) {
    const base::Character last = base::character_before(text, text.size());
    if (!goes(last.code)) break;
    text.remove_suffix(last.size);
  }
  while (left && !text.empty()) {
    const base::Character next = base::character_at(text, 0);
    if (!goes(next.code)) break;
    text.remove_prefix(next.size);
  }
  return text;
}

void append_lowercase(std::string_view text, std::string& out) {
  const CodePoints& points = CodePoints::get();
  for (std::size_t at = 0; at < text.size();) {
    const base::Character character = base::character_at(text, at);
    if (points[character.code].has_lower_case())
      for (const char32_t lower : lower_case(character.code)) base::append_utf8(out, lower);
    else
      out.append(text, at, character.size);
    at += character.size;
  }
}

void append_without_accents(std::string_view text, std::string& out) {
  const CodePoints& points = CodePoints::get();
  for (std::size_t at = 0; at < text.size();) {
    const base::Character character = base::character_at(text, at);
    if (!points[character.code].is_mark()) out.append(text, at, character.size);
    at += character.size;
  }
}

}  // namespace

void Normalizer::add_form(NormalForm form) {
  Step step;
  step.form = form;
  add(std::move(step));
}

void Normalizer::add_bert(const BertNormalization& bert) {
  Step step;
  step.kind = Step::Kind::kBert;
  step.bert = bert;
  add(std::move(step));
}

void Normalizer::add_charsmap(Charsmap charsmap) {
  Step step;
  step.kind = Step::Kind::kCharsmap;
  step.charsmap = std::move(charsmap);
  add(std::move(step));
}

void Normalizer::add_strip(bool left, bool right) {
  Step step;
  step.kind = Step::Kind::kStrip;
  step.left = left;
  step.right = right;
  add(std::move(step));
}

void Normalizer::add_prepend(std::string content) {
  Step step;
  step.kind = Step::Kind::kPrepend;
  step.content = std::move(content);
  add(std::move(step));
}

void Normalizer::add_replace(std::string literal, std::string content) {
  Step step;
  step.kind = Step::Kind::kReplace;
  step.literal = std::move(literal);
  step.content = std::move(content);
  if (step.literal.empty()) step.regex.emplace(std::vector<std::string>{""});
  add(std::move(step));
}

void Normalizer::add_replace(Regex regex, std::string content) {
  Step step;
  step.kind = Step::Kind::kReplace;
  step.regex = std::move(regex);
  step.content = std::move(content);
  add(std::move(step));
}

void Normalizer::add_trim_spaces() {
  Step step;
  step.kind = Step::Kind::kTrimSpaces;
  add(std::move(step));
}

std::string_view Normalizer::apply(std::string_view text, std::size_t& first, std::string& buffer,
                                   std::string& other) const {
  std::string* out = &buffer;
  for (const Step& step : steps_) {
    if (text.empty()) break;
    const auto shortened = [&](std::string_view rest) {
      const auto gone = static_cast<std::size_t>(rest.data() - text.data());
      first = first > gone ? first - gone : 0;
      text = rest;
    };
    if (step.kind == Step::Kind::kStrip) {
      shortened(trimmed(text, step.left, step.right, [](char32_t c) { return CodePoints::get()[c].is_space(); }));
    } else if (step.kind == Step::Kind::kTrimSpaces) {
      shortened(trimmed(text, true, true, [](char32_t c) { return c == U' '; }));
    } else {
      out->clear();
      apply(step, text, first, *out);
      text = *out;
      out = out == &buffer ? &other : &buffer;
    }
  }
  return text;
}

void Normalizer::apply(const Step& step, std::string_view text, std::size_t& first, std::string& out) {
  if (step.kind == Step::Kind::kReplace) return replace(step, text, first, out);
  if (step.kind == Step::Kind::kPrepend) {
    out.append(step.content).append(text);
    first = first == 0 ? 0 : first + step.content.size();
    return;
  }
  change(step, text, out);
  if (first == 0) return;
  first = std::min(from_beginning(step, text, first), out.size());
  while (first < out.size() && (static_cast<unsigned char>(out[first]) & 0xC0) == 0x80) ++first;  // composed since
  // SentencePiece's map counts what follows a removed character as coming from it.
  if (first == 0 && step.kind == Step::Kind::kCharsmap && !out.empty()) first = base::character_size(out[0]);
}

/// How many bytes a step makes of the first `first` ones.
std::size_t Normalizer::from_beginning(const Step& step, std::string_view text, std::size_t first) {
  std::string beginning;
  change(step, text.substr(0, first), beginning);
  if (step.kind != Step::Kind::kCharsmap) return beginning.size();
  // Where a cluster of several characters is replaced as a whole, each new one comes from one of the old ones.
  const std::string_view cluster = text.substr(0, cluster_end(text, 0));
  std::string whole, singly;
  change(step, cluster, whole);
  for (std::size_t at = 0; at < cluster.size();) {
    const std::size_t size = base::character_size(cluster[at]);
    change(step, cluster.substr(at, size), singly);
    at += size;
  }
  return whole == singly || whole.empty() ? beginning.size() : base::character_size(whole[0]);
}

void Normalizer::change(const Step& step, std::string_view text, std::string& out) {
  switch (step.kind) {
    case Step::Kind::kForm:
      return append_normal_form(step.form, text, out);
    case Step::Kind::kLowercase:
      return append_lowercase(text, out);
    case Step::Kind::kStripAccents:
      return append_without_accents(text, out);
    case Step::Kind::kBert:
      return step.bert.apply(text, out);
    default:
      step.charsmap.normalize(text, out);
  }
}

/// What replaces a match comes from the match's last character, as `tokenizers` counts it.
void Normalizer::replace(const Step& step, std::string_view text, std::size_t& first, std::string& out) {
  std::size_t done = 0, from_first = 0;
  const auto put = [&](std::size_t begin, std::size_t end) {
    out.append(text, done, begin - done);
    from_first += std::min(begin, first) - std::min(done, first);
    out += step.content;
    const std::size_t last = end == 0 ? 0 : end - base::character_before(text, end).size;
    if (last < first) from_first += step.content.size();
    done = end;
  };
  if (step.regex) {
    step.regex->for_matches(text, [&](const Regex::Match& match) { put(match.begin, match.end); });
  } else {
    for (std::size_t at = text.find(step.literal); at != std::string_view::npos; at = text.find(step.literal, done))
      put(at, at + step.literal.size());
  }
  out.append(text, done, std::string_view::npos);
  from_first += first - std::min(done, first);
  first = from_first;
}

}  // namespace pare::tokenize
