#include "cli/manual/completion.h"

#include <fmt/format.h>

#include <string_view>

namespace pare::cli {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

std::vector<std::string> command_names(const ProgramText& program) {
  std::vector<std::string> names;
  for (const CommandText& command : program.commands) names.push_back(command.name);
  return names;
}

std::vector<std::string> option_names(const CommandText& command) {
  std::vector<std::string> names;
  for (const OptionText& option : command.options)
    if (!option.argument) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

/// The text with a backslash before each of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

/// What a single-quoted text of a shell holds.
std::string in_quotes(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result;
}

// bash

std::string bash_value(const std::string& command, const OptionText& option) {
  std::vector<std::string> patterns;
  for (const std::string& name : option.names) patterns.push_back(fmt::format("'{} {}'", command, name));
  std::string action = "return";  // nothing is known about the value
  if (option.kind == ValueKind::kChoice)
    action = fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", joined(option.choices, " "));
  if (option.kind == ValueKind::kFile) action = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))";
  if (option.kind == ValueKind::kDirectory) action = "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\"))";
  return fmt::format("    {}) {}; return ;;\n", joined(patterns, " | "),
                     action == "return" ? std::string("COMPREPLY=()") : action);
}

// zsh

std::string zsh_action(const OptionText& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
      return "(" + joined(option.choices, " ") + ")";
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kDirectory:
      return "_files -/";
    default:
      return " ";
  }
}

std::string zsh_option(const OptionText& option) {
  const std::string help = in_quotes(escaped(option.help, "[]:\\"));
  const std::string type = in_quotes(escaped(option.type.empty() ? option.names.front() : option.type, "[]:\\"));
  if (option.argument) return fmt::format("'{}:{}:{}'", option.several ? "*" : "", type, zsh_action(option));
  const std::string value =
      option.kind == ValueKind::kFlag ? std::string() : fmt::format(":{}:{}", type, zsh_action(option));
  if (option.names.size() == 1)
    return fmt::format("'{}{}[{}]{}'", option.several ? "*" : "", option.names.front(), help, value);
  return fmt::format("'{}'{{{}}}'[{}]{}'", option.several ? "*" : "(" + joined(option.names, " ") + ")",
                     joined(option.names, ","), help, value);
}

// fish

std::string fish_option(const std::string& condition, const OptionText& option) {
  std::string line = "complete -c pare -n '" + condition + "'";
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  switch (option.kind) {
    case ValueKind::kFlag:
      break;
    case ValueKind::kChoice:
      line += " -x -a '" + joined(option.choices, " ") + "'";
      break;
    case ValueKind::kFile:
      line += " -r -F";
      break;
    case ValueKind::kDirectory:
      line += " -x -a '(__fish_complete_directories)'";
      break;
    case ValueKind::kOther:
      line += " -x";
      break;
  }
  return line + " -d '" + escaped(option.help, "\\'") + "'\n";
}

}  // namespace

std::string bash_completion(const ProgramText& program) {
  const std::string names = joined(command_names(program), " | ");
  std::string text = fmt::format(
      "# Completion of pare for bash, made by `pare completion bash`.\n"
      "_pare() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command= i\n"
      "  # bash splits --option=value into three words.\n"
      "  if [[ $current == = ]]; then current=; fi\n"
      "  if [[ $previous == = ]]; then previous=${{COMP_WORDS[COMP_CWORD - 2]}}; fi\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    case ${{COMP_WORDS[i]}} in {}) command=${{COMP_WORDS[i]}}; break ;; esac\n"
      "  done\n"
      "  case \"$command $previous\" in\n",
      names);
  for (const CommandText& command : program.commands)
    for (const OptionText& option : command.options)
      if (!option.argument && option.kind != ValueKind::kFlag) text += bash_value(command.name, option);
  text += "  esac\n  local options=\n  case $command in\n";
  for (const CommandText& command : program.commands)
    text += fmt::format("    {}) options='{}' ;;\n", command.name, joined(option_names(command), " "));
  text += fmt::format(
      "    *) options='{} {}' ;;\n"
      "  esac\n"
      "  if [[ $current == -* || -z $command ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n",
      joined(command_names(program), " "), joined(option_names(program.program), " "));
  for (const CommandText& command : program.commands)
    for (const OptionText& option : command.options)
      if (option.argument && option.kind == ValueKind::kChoice)
        text += fmt::format("  elif [[ $command == {} ]]; then\n    COMPREPLY=($(compgen -W '{}' -- \"$current\"))\n",
                            command.name, joined(option.choices, " "));
  return text +
         "  else\n"
         "    compopt -o filenames\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _pare pare\n";
}

std::string zsh_completion(const ProgramText& program) {
  std::string text =
      "#compdef pare\n"
      "# Completion of pare for zsh, made by `pare completion zsh`.\n"
      "_pare() {\n"
      "  local state line\n"
      "  local -a commands=(\n";
  for (const CommandText& command : program.commands)
    text += fmt::format("    '{}:{}'\n", command.name, in_quotes(escaped(command.help, ":\\")));
  text += "  )\n  _arguments -C \\\n";
  for (const OptionText& option : program.program.options) text += fmt::format("    {} \\\n", zsh_option(option));
  text +=
      "    '1:command:->command' '*::argument:->argument' && return\n"
      "  if [[ $state == command ]]; then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  case $line[1] in\n";
  for (const CommandText& command : program.commands) {
    text += fmt::format("    {})\n      _arguments -s", command.name);
    for (const OptionText& option : command.options) text += fmt::format(" \\\n        {}", zsh_option(option));
    text += "\n      ;;\n";
  }
  // Loaded through $fpath, the file is the function; sourced, it defines and registers it.
  return text +
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _pare ]]; then _pare \"$@\"; else compdef _pare pare; fi\n";
}

std::string fish_completion(const ProgramText& program) {
  std::string text = "# Completion of pare for fish, made by `pare completion fish`.\n";
  for (const OptionText& option : program.program.options) text += fish_option("__fish_use_subcommand", option);
  for (const CommandText& command : program.commands)
    text += fmt::format("complete -c pare -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                        escaped(command.help, "\\'"));
  for (const CommandText& command : program.commands) {
    const std::string condition = "__fish_seen_subcommand_from " + command.name;
    for (const OptionText& option : command.options) {
      if (!option.argument)
        text += fish_option(condition, option);
      else if (option.kind == ValueKind::kChoice)
        text += fmt::format("complete -c pare -n '{}' -f -a '{}'\n", condition, joined(option.choices, " "));
    }
  }
  return text;
}

}  // namespace pare::cli
