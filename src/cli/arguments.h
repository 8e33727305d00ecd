// Options of commands, without CLI11's headers: they take ten seconds to compile, so only arguments.cpp and main.cpp
// include them.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace pare::cli {

struct ProgramText;

/// An option being declared. Used like a pointer, as CLI11's own: `add_option(...)->type_name("N")->group("Output")`.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option* operator->() { return this; }
  Option type_name(const std::string& name);
  Option group(const std::string& name);
  Option required();
  /// The fewest and most values that it takes.
  Option expected(int fewest, int most);
  Option allow_extra_args(bool allow);
  /// A whole number from `lowest` to `highest`; anything else is a usage error.
  Option range(int lowest, int highest);

 private:
  CLI::Option* option_;
};

/// A command or the program itself. Refers to an application that outlives it; used like a pointer.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}
  Command* operator->() { return this; }
  Command& operator*() { return *this; }
  const Command& operator*() const { return *this; }

  Command add_subcommand(const std::string& name, const std::string& help);
  /// `variable`: a string, strings, a number or an optional number; arguments.cpp lists the types.
  template <class Variable>
  Option add_option(const std::string& name, Variable& variable, const std::string& help);
  Option add_flag(const std::string& name, bool& variable, const std::string& help);
  Option add_flag_callback(const std::string& name, std::function<void()> callback, const std::string& help);
  void footer(const std::string& text);
  /// Called when the command was named on the command line.
  void callback(std::function<void()> run);
  /// How often the option was given.
  std::size_t count(const std::string& name) const;
  /// Its commands and their options, as declared so far.
  ProgramText text() const;

 private:
  CLI::App* app_;
};

/// Gives the help texts of the program, and of the commands added later, their shape.
void shape_help(CLI::App& program);

}  // namespace pare::cli
