#include "report/html/inline_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "table/html.h"

namespace pare::report {
namespace {

using table::html_escape;

bool is_punctuation(char c) { return c > ' ' && c < 0x7f && !std::isalnum(static_cast<unsigned char>(c)); }

/// A path inside the report's directory, which no scheme and no other directory can hide in.
bool is_own_path(std::string_view target) {
  if (target.empty() || target.front() == '/' || target.find("..") != std::string_view::npos) return false;
  return std::all_of(target.begin(), target.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("._-/").find(c) != std::string_view::npos;
  });
}

class Inline {
 public:
  explicit Inline(std::string_view text) : rest_(text) {}

  std::string html() {
    while (!rest_.empty())
      if (!escaped() && !code() && !strong() && !link()) take_text(1);
    flush();
    return bold_ ? html_ + "</strong>" : html_;
  }

 private:
  void take_text(std::size_t length) {
    text_ += rest_.substr(0, length);
    rest_.remove_prefix(length);
  }
  /// Texts are escaped in one piece, so that no character of UTF-8 is cut.
  void flush() {
    // A number and its percent sign stay on one line.
    for (std::size_t at = 1; (at = text_.find(" %", at)) != std::string::npos; ++at)
      if (std::isdigit(static_cast<unsigned char>(text_[at - 1])) != 0) text_.replace(at, 1, "\u00a0");
    html_ += html_escape(text_);
    text_.clear();
  }

  bool escaped() {
    if (rest_.size() < 2 || rest_[0] != '\\' || !is_punctuation(rest_[1])) return false;
    rest_.remove_prefix(1);
    take_text(1);
    return true;
  }

  bool code() {
    const std::size_t fence = std::min(rest_.find_first_not_of('`'), rest_.size());
    if (fence == 0) return false;
    std::size_t at = fence, length = 0;
    for (; at < rest_.size(); at += length) {
      at = std::min(rest_.find('`', at), rest_.size());
      length = std::min(rest_.find_first_not_of('`', at), rest_.size()) - at;
      if (length == fence) break;
    }
    if (at >= rest_.size()) {
      take_text(fence);
      return true;
    }
    std::string content(rest_.substr(fence, at - fence));
    if (content.size() > 2 && content.front() == ' ' && content.back() == ' ')
      content = content.substr(1, content.size() - 2);
    for (std::size_t pipe = 0; (pipe = content.find("\\|", pipe)) != std::string::npos; ++pipe) content.erase(pipe, 1);
    flush();
    html_ += "<code>" + html_escape(content) + "</code>";
    rest_.remove_prefix(at + fence);
    return true;
  }

  bool strong() {
    if (!rest_.starts_with("**")) return false;
    flush();
    html_ += bold_ ? "</strong>" : "<strong>";
    bold_ = !bold_;
    rest_.remove_prefix(2);
    return true;
  }

  bool link() {
    if (rest_[0] != '[') return false;
    const std::size_t middle = rest_.find("]("), end = rest_.find(')', std::min(middle, rest_.size()));
    if (middle == std::string_view::npos || end == std::string_view::npos) return false;
    const std::string_view label = rest_.substr(1, middle - 1), target = rest_.substr(middle + 2, end - middle - 2);
    if (!is_own_path(target) || label.find('[') != std::string_view::npos) return false;
    flush();
    html_ += fmt::format("<a href=\"{}\">{}</a>", html_escape(target), Inline(label).html());
    rest_.remove_prefix(end + 1);
    return true;
  }

  std::string_view rest_;
  std::string html_, text_;
  bool bold_ = false;
};

}  // namespace

std::string inline_html(std::string_view markdown) { return Inline(markdown).html(); }

}  // namespace pare::report
