#include "cli/manual/manual.h"

#include <fmt/format.h>

#include <cctype>
#include <string_view>

#include "pare/table.h"

namespace pare::cli {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// Text of a man page: backslashes and hyphens as they are, and no line that is a request.
std::string roff(std::string_view text) {
  std::string result;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) result += "\\&";
    line_start = c == '\n';
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
  }
  return result;
}

/// A footer's examples, without their heading, and what follows after an empty line.
struct Footer {
  std::string examples, rest;
};

Footer divided(const std::string& text) {
  constexpr std::string_view kHeading = "Examples:\n";
  if (!text.starts_with(kHeading)) return {"", text};
  const std::size_t end = text.find("\n\n");
  if (end == std::string::npos) return {text.substr(kHeading.size()), ""};
  return {text.substr(kHeading.size(), end + 1 - kHeading.size()), text.substr(end + 2)};
}

/// Lines with four spaces before them, which Markdown shows as they are. Examples have two already.
std::string as_code(std::string_view text, std::string_view margin) {
  std::string result;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && c != '\n') result += margin;
    line_start = c == '\n';
    result += c;
  }
  return result;
}

std::string full_name(const CommandText& command, char separator) {
  return command.name.empty() ? "pare" : std::string("pare") + separator + command.name;
}

void add_man_options(std::string& text, const CommandText& command) {
  for (const std::string& group : option_groups(command)) {
    text += ".SH " + roff(upper(group)) + '\n';
    for (const OptionText& option : command.options)
      if (option.group == group) text += fmt::format(".TP\n.B {}\n{}\n", roff(option_title(option)), roff(option.help));
  }
}

}  // namespace

std::string man_page(const ProgramText& program, const CommandText& command) {
  const std::string name = full_name(command, '-');
  std::string text = fmt::format(
      ".\\\" Made by `pare man`.\n.TH {} 1 \"\" \"pare {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n"
      ".SH SYNOPSIS\n.B {}\n",
      roff(upper(name)), PARE_VERSION, roff(name), roff(command.help), roff(usage_text(command)));
  if (command.name.empty()) {
    text += ".SH COMMANDS\n";
    for (const CommandText& one : program.commands)
      text += fmt::format(".TP\n.BR pare\\-{} (1)\n{}\n", roff(one.name), roff(one.help));
  }
  add_man_options(text, command);
  const Footer footer = divided(command.footer);
  if (!footer.examples.empty()) text += ".SH EXAMPLES\n.nf\n" + roff(footer.examples) + ".fi\n";
  if (!footer.rest.empty()) text += ".SH NOTES\n.nf\n" + roff(footer.rest) + ".fi\n";
  if (!command.name.empty()) text += ".SH SEE ALSO\n.BR pare (1)\n";
  return text;
}

std::string markdown_manual(const CommandText& command) {
  std::string text = fmt::format(
      "# {}\n\n{}.\n\n    {}\n", full_name(command, ' '),
      markdown_escape(command.help.ends_with('.') ? command.help.substr(0, command.help.size() - 1) : command.help),
      usage_text(command));
  for (const std::string& group : option_groups(command)) {
    Table table;
    table.columns = {{"option", group == "Arguments" ? "argument" : "option", true, true}, {"help", "meaning", true}};
    for (const OptionText& option : command.options)
      if (option.group == group) table.rows.push_back({option_title(option), option.help});
    text += fmt::format("\n## {}\n{}", markdown_escape(group), to_markdown(table));
  }
  const Footer footer = divided(command.footer);
  if (!footer.examples.empty()) text += "\n## Examples\n" + as_code(footer.examples, "  ");
  if (!footer.rest.empty()) text += '\n' + as_code(footer.rest, "    ");
  return text;
}

}  // namespace pare::cli
