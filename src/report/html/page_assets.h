// page.css and page.js of this folder as text, and their hashes; made by cmake/embed_page.cmake.
#pragma once

#include <string_view>

namespace pare::report {

extern const std::string_view kStyle, kScript;
/// SHA-256 in base64, as a Content-Security-Policy names it.
extern const std::string_view kStyleHash, kScriptHash;

}  // namespace pare::report
