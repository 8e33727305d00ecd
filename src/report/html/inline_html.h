// The Markdown of sentences as HTML.
#pragma once

#include <string>
#include <string_view>

namespace pare::report {

/// Understands what Sentences hold: escaped characters, code spans, **bold** and links to files of the report.
/// Everything else is text, and all text is escaped, so the result is safe whatever the input holds.
std::string inline_html(std::string_view markdown);

}  // namespace pare::report
