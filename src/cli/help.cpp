#include "cli/help.h"

namespace pare::cli {

HelpFormatter::HelpFormatter() {
  column_width(38);
  label("Positionals", "Arguments");
  label("SUBCOMMAND", "COMMAND");
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
  for (std::size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at)) text.erase(at, 1);
  text.erase(text.find_last_not_of('\n') + 1);
  return text + '\n';
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  const std::string type = option->get_type_name();
  return type.empty() ? "" : ' ' + type;
}

std::string HelpFormatter::make_option_usage(const CLI::Option* option) const {
  return make_option_name(option, true) + (option->get_expected_max() > 1 ? "..." : "");
}

}  // namespace pare::cli
