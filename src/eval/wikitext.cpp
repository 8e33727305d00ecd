// Word and byte perplexity of WikiText's pages, as lm-evaluation-harness' task "wikitext" has them.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text_data.h"
#include "eval/mean.h"
#include "eval/windows.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

/// " = Title = ", but not " = = Section = = ".
bool is_title(std::string_view line) {
  line = base::stripped(line);
  return line.size() > 4 && line.starts_with("= ") && line.ends_with(" =") && !line.starts_with("= =");
}

/// Pages begin at the lines that are titles; what stands before the first one is a page too, unless it is blank.
std::vector<std::string_view> pages_of(std::string_view text) {
  std::vector<std::string_view> pages;
  std::size_t page = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    if (begin != page && is_title(text.substr(begin, end - begin))) {
      pages.push_back(text.substr(page, begin - page));
      page = begin;
    }
    begin = end;
  }
  pages.push_back(text.substr(page));
  if (base::stripped(pages.front()).empty()) pages.erase(pages.begin());
  return pages;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Takes the white space off the inner side of brackets and quotes.
void close_up(std::string& text, char open, char close) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t begin = text.find(open); begin != std::string::npos; begin = text.find(open, done)) {
    const std::size_t end = text.find(close, begin + 1);
    if (end == std::string::npos) break;
    result.append(text, done, begin + 1 - done);
    result += base::stripped(std::string_view(text).substr(begin + 1, end - begin - 1));
    result += close;
    done = end + 1;
  }
  text = result.append(text, done);
}

/// The text as it was before WikiText's tokenization, as far as the harness undoes it, in its order.
std::string detokenized(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kBefore[] = {
      {"s '", "s'"}, {" @-@ ", "-"}, {" @,@ ", ","}, {" @.@ ", "."}, {" : ", ": "},
      {" ; ", "; "}, {" . ", ". "},  {" ! ", "! "},  {" ? ", "? "},  {" , ", ", "}};
  constexpr std::pair<std::string_view, std::string_view> kAfter[] = {
      {"= = = =", "===="}, {"= = =", "==="}, {"= =", "=="},  {" \u00b0 ", "\u00b0"},
      {" \n", "\n"},       {"\n ", "\n"},    {" N ", " 1 "}, {" 's", "'s"}};
  for (const auto& [from, to] : kBefore) replace_all(text, from, to);
  for (const auto& [open, close] : {std::pair('(', ')'), {'[', ']'}, {'{', '}'}, {'"', '"'}, {'\'', '\''}})
    close_up(text, open, close);
  for (const auto& [from, to] : kAfter) replace_all(text, from, to);
  return text;
}

/// The harness' rolling windows: every token is predicted once, the first one from the token before the page; a window
/// sees `context` tokens, the last of which predicts the one behind it.
std::vector<Window> rolling_windows(std::size_t tokens, std::size_t context) {
  std::vector<Window> windows;
  for (std::size_t first = 1; first < tokens; first += context) {
    const std::size_t end = std::min(tokens, first + context);
    windows.push_back({end - 1 < context ? 0 : end - 1 - context, end, first});
  }
  return windows;
}

struct PreparedPage {
  std::vector<TokenId> tokens;  ///< the first one comes before the page
  std::vector<Window> windows;
  double words, bytes;
};

Evaluation score_pages(const Subject& subject, const std::vector<PreparedPage>& pages) {
  const Course course(subject.context, pages.size());
  double loss = 0, words = 0, bytes = 0;
  Evaluation result;
  result.items = pages.size();
  std::size_t done = 0, batches = 0;
  BatchShare share(subject.context);
  for (const PreparedPage& page : pages) {
    words += page.words;
    bytes += page.bytes;
    score_windows(subject, batches, page.tokens, page.windows, share, [](std::size_t) {});
    result.tokens += page.tokens.size() - 1;
    course.tell(++done);
  }
  for (const std::vector<double>& logs : share.all())
    for (const double log : logs) loss -= log;
  result.scores = {{"word_perplexity", std::exp(loss / words)},
                   {"byte_perplexity", std::exp(loss / bytes)},
                   {"bits_per_byte", loss / bytes / std::log(2.0)}};
  return result;
}

}  // namespace

Scoring prepare_wikitext(const Subject& subject, const EvalOptions& options) {
  const std::string text = base::read_text(options.data);
  std::vector<std::string_view> pages = pages_of(text);
  if (pages.empty()) throw Error(ErrorCode::kMalformed, options.data, "has no page");
  if (options.limit != 0 && pages.size() > options.limit) pages.resize(options.limit);
  const std::size_t context = context_of(subject, options);
  const SpecialTokens& special = subject.tokenizer->special();
  const TokenId before = subject.need(special.eos ? special.eos : special.bos, "end-of-text");
  std::vector<PreparedPage> prepared;
  for (const std::string_view page : pages) {
    std::vector<TokenId> tokens{before};
    const std::vector<TokenId> own = subject.tokenizer->encode(detokenized(std::string(page)), false);
    tokens.insert(tokens.end(), own.begin(), own.end());
    std::vector<Window> windows = rolling_windows(tokens.size(), context);
    prepared.push_back({std::move(tokens), std::move(windows), static_cast<double>(base::count_words(page)),
                        static_cast<double>(page.size())});
  }
  return [prepared = std::move(prepared)](const Subject& scored) { return score_pages(scored, prepared); };
}

}  // namespace pare::eval
