// The manual: a page for each command and one for the program, made from the same options as --help.
#pragma once

#include <string>

#include "cli/manual/program_text.h"

namespace pare::cli {

/// A page for man(1), in the macros of man(7).
std::string man_page(const ProgramText& program, const CommandText& command);
/// The same as Markdown.
std::string markdown_manual(const CommandText& command);

}  // namespace pare::cli
