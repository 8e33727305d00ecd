// Completions for shells, made from the same options as --help.
#pragma once

#include <string>

#include "cli/manual/program_text.h"

namespace pare::cli {

/// A script to be sourced, or installed as completions/pare.
std::string bash_completion(const ProgramText& program);
/// To be installed as _pare in a directory of $fpath.
std::string zsh_completion(const ProgramText& program);
/// To be installed as pare.fish.
std::string fish_completion(const ProgramText& program);

}  // namespace pare::cli
