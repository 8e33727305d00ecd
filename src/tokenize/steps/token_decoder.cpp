#include "tokenize/steps/token_decoder.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/utf8.h"
#include "tokenize/byte_alphabet.h"

namespace pare::tokenize {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string replaced(const Decoder::Step& step, std::string_view token) {
  std::string result;
  std::size_t done = 0;
  const auto put = [&](std::size_t begin, std::size_t end) {
    result.append(token, done, begin - done).append(step.content);
    done = end;
  };
  if (step.regex) {
    step.regex->for_matches(token, [&](const Regex::Match& match) { put(match.begin, match.end); });
  } else {
    for (std::size_t at = token.find(step.literal); at != std::string_view::npos; at = token.find(step.literal, done))
      put(at, at + step.literal.size());
  }
  return result.append(token, done, std::string_view::npos);
}

/// The byte that a token <0x00> to <0xFF> stands for. Rust's from_str_radix, which `tokenizers` uses, allows a plus
/// sign.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  std::string_view digits = token.substr(3, 2);
  if (digits[0] == '+') digits.remove_prefix(1);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return static_cast<char>(value);
}

/// Consecutive byte tokens become their text if it is UTF-8; otherwise each becomes U+FFFD.
std::vector<std::string> with_bytes(const std::vector<std::string>& tokens) {
  std::vector<std::string> result;
  std::string bytes;
  const auto put_bytes = [&] {
    if (bytes.empty()) return;
    if (!base::first_invalid_utf8(bytes))
      result.push_back(bytes);
    else
      result.insert(result.end(), bytes.size(), "\xEF\xBF\xBD");
    bytes.clear();
  };
  for (const std::string& token : tokens) {
    if (const auto byte = byte_of(token)) {
      bytes.push_back(*byte);
    } else {
      put_bytes();
      result.push_back(token);
    }
  }
  put_bytes();
  return result;
}

void strip(const Decoder::Step& step, std::string& token) {
  std::string_view rest = token;
  for (std::size_t i = 0; i < step.begin && rest.starts_with(step.literal); ++i)
    rest.remove_prefix(step.literal.size());
  for (std::size_t i = 0; i < step.end && rest.ends_with(step.literal); ++i) rest.remove_suffix(step.literal.size());
  token = std::string(rest);
}

void join_words(const Decoder::Step& step, std::vector<std::string>& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string& token = tokens[i];
    if (i != 0 && token.starts_with(step.literal))
      token.erase(0, step.literal.size());
    else if (i != 0)
      token.insert(0, " ");
    if (!step.cleans_up) continue;
    clean_up_spaces(token);
    replace_all(token, " do not", " don't");
  }
}

void join_all(std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  tokens.assign(1, std::move(text));
}

}  // namespace

void clean_up_spaces(std::string& text) {
  for (const auto& [from, to] : {std::pair<const char*, const char*>{" .", "."},
                                 {" ?", "?"},
                                 {" !", "!"},
                                 {" ,", ","},
                                 {" ' ", "'"},
                                 {" n't", "n't"},
                                 {" 'm", "'m"},
                                 {" 's", "'s"},
                                 {" 've", "'ve"},
                                 {" 're", "'re"}})
    replace_all(text, from, to);
}

void Decoder::add(Step::Kind kind) {
  Step step;
  step.kind = kind;
  add(std::move(step));
}

void Decoder::add_metaspace(Prefix prefix) {
  Step step;
  step.kind = Step::Kind::kMetaspace;
  step.literal = kSpaceMark;
  step.drops_first = prefix != Prefix::kNever;
  add(std::move(step));
}

void Decoder::add_wordpiece(std::string prefix, bool cleans_up) {
  Step step;
  step.kind = Step::Kind::kWordPiece;
  step.literal = std::move(prefix);
  step.cleans_up = cleans_up;
  add(std::move(step));
}

void Decoder::add_replace(std::string literal, std::string content) {
  Step step;
  step.kind = Step::Kind::kReplace;
  step.literal = std::move(literal);
  step.content = std::move(content);
  if (step.literal.empty()) step.regex.emplace(std::vector<std::string>{""});
  add(std::move(step));
}

void Decoder::add_strip(std::string literal, std::size_t begin, std::size_t end) {
  Step step;
  step.kind = Step::Kind::kStrip;
  step.literal = std::move(literal);
  step.begin = begin;
  step.end = end;
  add(std::move(step));
}

std::string Decoder::decode(std::span<const std::string_view> tokens) const {
  if (tokens.empty()) return {};
  Tokens parts(tokens.begin(), tokens.end());
  for (const Step& step : steps_) apply(step, parts);
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != 0 && steps_.empty()) text.push_back(' ');
    text += parts[i];
  }
  return text;
}

void Decoder::apply(const Step& step, Tokens& tokens) {
  switch (step.kind) {
    case Step::Kind::kByteLevel:
      return join_bytes(tokens);
    case Step::Kind::kMetaspace:
      for (std::size_t i = 0; i < tokens.size(); ++i)
        replace_all(tokens[i], step.literal, i == 0 && step.drops_first ? "" : " ");
      return;
    case Step::Kind::kWordPiece:
      return join_words(step, tokens);
    case Step::Kind::kReplace:
      for (std::string& token : tokens) token = replaced(step, token);
      return;
    case Step::Kind::kByteFallback:
      tokens = with_bytes(tokens);
      return;
    case Step::Kind::kFuse:
      return join_all(tokens);
    case Step::Kind::kStrip:
      for (std::string& token : tokens) strip(step, token);
  }
}

void Decoder::join_bytes(Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) {
    if (const auto known = ByteAlphabet::get().bytes(token))
      bytes += *known;
    else
      bytes += token;  // an added token stands for itself
  }
  tokens.assign(1, base::repaired_utf8(bytes));
}

}  // namespace pare::tokenize
