// Unicode's normalization forms, with the versions of the tables that `tokenizers` uses.
#pragma once

#include <string>
#include <string_view>

namespace pare::tokenize {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

/// Appends `text` (UTF-8) in the given form.
void append_normal_form(NormalForm form, std::string_view text, std::string& out);

}  // namespace pare::tokenize
