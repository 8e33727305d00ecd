#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cli/manual/program_text.h"
#include "cli/options.h"
#include "pare/error.h"
#include "pare/linear.h"

namespace pare::cli {
namespace {

/// CLI11's formatter with whole command lines in "Usage", no counts after names, and one empty line between sections.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_usage(const CLI::Option* option) const override;
};

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

/// Called before a command does anything, because an instruction set that the machine lacks is a usage error.
void require_instruction_set() {
  try {
    choose_instruction_set();
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

void shape_help(CLI::App& program) { program.formatter(std::make_shared<HelpFormatter>()); }

Option Option::type_name(const std::string& name) { return Option(option_->type_name(name)); }

Option Option::group(const std::string& name) { return Option(option_->group(name)); }

Option Option::required() { return Option(option_->required()); }

Option Option::expected(int fewest, int most) { return Option(option_->expected(fewest, most)); }

Option Option::allow_extra_args(bool allow) { return Option(option_->allow_extra_args(allow)); }

Option Option::range(int lowest, int highest) {
  return Option(option_->check(CLI::Range(lowest, highest).description("")));
}

Command Command::add_subcommand(const std::string& name, const std::string& help) {
  return Command(*app_->add_subcommand(name, help));
}

template <class Variable>
Option Command::add_option(const std::string& name, Variable& variable, const std::string& help) {
  return Option(app_->add_option(name, variable, help));
}

template Option Command::add_option(const std::string&, std::string&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Command::add_option(const std::string&, double&, const std::string&);
template Option Command::add_option(const std::string&, unsigned&, const std::string&);
template Option Command::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option Command::add_option(const std::string&, int&, const std::string&);
template Option Command::add_option(const std::string&, std::optional<double>&, const std::string&);

Option Command::add_flag(const std::string& name, bool& variable, const std::string& help) {
  return Option(app_->add_flag(name, variable, help));
}

Option Command::add_flag_callback(const std::string& name, std::function<void()> callback, const std::string& help) {
  return Option(app_->add_flag_callback(name, std::move(callback), help));
}

void Command::footer(const std::string& text) { app_->footer(text); }

void Command::callback(std::function<void()> run) {
  app_->callback([run = std::move(run)] {
    require_instruction_set();
    run();
  });
}

std::size_t Command::count(const std::string& name) const { return app_->count(name); }

ProgramText Command::text() const { return program_text(*app_); }

}  // namespace pare::cli
