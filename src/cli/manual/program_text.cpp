#include "cli/manual/program_text.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace pare::cli {
namespace {

constexpr const char* kArguments = "Arguments";

/// A word that is divided at a hyphen stays one word.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text)
    if (c != '\n')
      line += c;
    else if (!line.ends_with('-'))
      line += ' ';
  return line;
}

/// "a|b" as choices; names of kinds of values are in capitals.
std::vector<std::string> choices_of(const std::string& type) {
  std::vector<std::string> choices;
  if (type.find('|') == std::string::npos) return choices;
  for (std::size_t at = 0; at <= type.size();) {
    const std::size_t end = std::min(type.find('|', at), type.size());
    choices.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  const auto is_kind = [](const std::string& choice) {
    return choice.empty() || std::isupper(static_cast<unsigned char>(choice.front())) != 0;
  };
  if (std::any_of(choices.begin(), choices.end(), is_kind)) choices.clear();
  return choices;
}

ValueKind kind_of(const OptionText& option, bool takes_value) {
  if (!takes_value) return ValueKind::kFlag;
  if (!option.choices.empty()) return ValueKind::kChoice;
  if (option.type == "DIR") return ValueKind::kDirectory;
  const bool file = option.argument || option.type == "MODEL" || option.type.find("FILE") != std::string::npos;
  return file ? ValueKind::kFile : ValueKind::kOther;
}

OptionText option_text(const CLI::Option& option) {
  OptionText text;
  text.argument = option.get_positional();
  for (const std::string& name : option.get_snames()) text.names.push_back('-' + name);
  for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
  if (text.argument) text.names = {option.get_name(true)};
  const bool takes_value = option.get_expected_max() != 0;  // flags expect nothing
  text.type = takes_value ? option.get_type_name() : "";
  text.help = one_line(option.get_description());
  text.group = text.argument ? kArguments : option.get_group();
  text.choices = choices_of(text.type);
  text.kind = kind_of(text, takes_value);
  text.required = option.get_required();
  text.several = option.get_expected_max() > 1;
  return text;
}

CommandText command_text(const CLI::App& app, std::string name) {
  CommandText command{std::move(name), one_line(app.get_description()), app.get_footer(), {}};
  for (const CLI::Option* option : app.get_options({}))
    if (!option->get_group().empty()) command.options.push_back(option_text(*option));
  return command;
}

}  // namespace

ProgramText program_text(const CLI::App& program) {
  ProgramText text{command_text(program, ""), {}};
  for (const CLI::App* command : program.get_subcommands({}))
    text.commands.push_back(command_text(*command, command->get_name()));
  return text;
}

std::string usage_text(const CommandText& command) {
  if (command.name.empty()) return "pare [OPTIONS] COMMAND";
  std::string text = "pare " + command.name + " [OPTIONS]";
  for (const OptionText& option : command.options) {
    if (!option.argument) continue;
    const std::string name = option.names.front() + (option.several ? "..." : "");
    text += ' ' + (option.required ? name : '[' + name + ']');
  }
  return text;
}

std::string option_title(const OptionText& option) {
  std::string text;
  for (const std::string& name : option.names) text += (text.empty() ? "" : ", ") + name;
  return option.type.empty() ? text : text + ' ' + option.type;
}

std::vector<std::string> option_groups(const CommandText& command) {
  std::vector<std::string> groups;
  const auto add = [&](const OptionText& option, bool argument) {
    if (option.argument == argument && std::find(groups.begin(), groups.end(), option.group) == groups.end())
      groups.push_back(option.group);
  };
  for (const bool argument : {true, false})
    for (const OptionText& option : command.options) add(option, argument);
  return groups;
}

}  // namespace pare::cli
