#include "pare/document.h"

namespace pare {

void Document::begin_block(bool tight) {
  if (!text_.empty() && !tight) text_ += '\n';
  after_heading_ = after_text_ = false;
}

void Document::heading(std::string_view text, int level) {
  begin_block();
  if (markup_ == Markup::kMarkdown)
    text_ += std::string(static_cast<std::size_t>(level), '#') + ' ' + markdown_escape(text) + '\n';
  else
    text_ += printable(text) + '\n';
  after_heading_ = markup_ == Markup::kText;  // in a terminal, no empty line separates a heading from its block
}

void Document::paragraph(std::string_view text) {
  begin_block(after_heading_);
  text_ += (markup_ == Markup::kMarkdown ? markdown_escape(text) : printable(text)) + '\n';
  after_text_ = markup_ == Markup::kText;
}

void Document::list(const std::vector<std::string>& items) {
  if (items.empty()) return;
  begin_block(after_heading_ || after_text_);
  for (const std::string& item : items)
    text_ += (markup_ == Markup::kMarkdown ? "- " + markdown_escape(item) : "  " + printable(item)) + '\n';
}

void Document::table(const Table& table) {
  begin_block(after_heading_);
  text_ += markup_ == Markup::kMarkdown ? to_markdown(table) : to_text(table);
}

void Document::raw(std::string_view block) {
  begin_block(after_heading_);
  text_ += block;
  text_ += '\n';
}

}  // namespace pare
