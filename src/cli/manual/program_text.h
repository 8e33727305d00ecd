// The commands and options of the program as data: what --help prints, for man pages, completions and documents.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace pare::cli {

/// What completes the value of an option or argument.
enum class ValueKind : std::uint8_t {
  kFlag,    ///< takes no value
  kChoice,  ///< one of OptionText::choices
  kFile,
  kDirectory,
  kOther,
};

struct OptionText {
  std::vector<std::string> names;  ///< "-o", "--output"; of an argument its name alone, "MODEL"
  std::string type;                ///< "DIR"; empty for flags and arguments
  std::string help;                ///< one line
  std::string group;               ///< heading, e.g. "Output"
  ValueKind kind = ValueKind::kOther;
  std::vector<std::string> choices;
  bool argument = false, required = false, several = false;
};

struct CommandText {
  std::string name;  ///< "inspect"; empty for the program itself
  std::string help;  ///< one line
  std::string footer;
  std::vector<OptionText> options;  ///< arguments included, in the order of --help
};

struct ProgramText {
  CommandText program;
  std::vector<CommandText> commands;
};

ProgramText program_text(const CLI::App& program);

/// "pare inspect [OPTIONS] MODEL...".
std::string usage_text(const CommandText& command);
/// "-o, --output DIR".
std::string option_title(const OptionText& option);
/// The headings of the options, arguments first, in order of first appearance.
std::vector<std::string> option_groups(const CommandText& command);

}  // namespace pare::cli
