// pare completion and pare man: what the program says about its own commands and options, for shells and readers.
#include <fmt/format.h>

#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/manual/completion.h"
#include "cli/manual/manual.h"
#include "cli/options.h"
#include "cli/streams.h"

namespace pare::cli {
namespace manual_command {

constexpr const char* kCompletionExamples = R"(Examples:
  source <(pare completion bash)
      in ~/.bashrc; for zsh: source <(pare completion zsh), after compinit
  pare completion fish >~/.config/fish/completions/pare.fish
      for fish; packages install all three
)";

constexpr const char* kManExamples = R"(Examples:
  pare man prune | man -l -
      the manual of pare prune
  pare man prune --markdown
      the same as Markdown
)";

struct Arguments {
  std::string shell, page;
  bool markdown = false, list = false;
};

void complete(const Arguments& arguments, const ProgramText& program) {
  switch (choose("SHELL", arguments.shell, {"bash", "zsh", "fish"})) {
    case 0:
      return print(bash_completion(program));
    case 1:
      return print(zsh_completion(program));
    default:
      return print(fish_completion(program));
  }
}

const CommandText& page_of(const std::string& name, const ProgramText& program) {
  if (name.empty()) return program.program;
  for (const CommandText& command : program.commands)
    if (command.name == name) return command;
  throw UsageError(fmt::format("unknown command '{}'", name));
}

void show(const Arguments& arguments, const ProgramText& program) {
  if (arguments.list) {
    std::string names;
    for (const CommandText& command : program.commands) names += command.name + '\n';
    return print(names);
  }
  const CommandText& page = page_of(arguments.page, program);
  print(arguments.markdown ? markdown_manual(page) : man_page(program, page));
}

}  // namespace manual_command

void add_manual_commands(Command& program) {
  using namespace manual_command;
  const auto arguments = std::make_shared<Arguments>();
  Command completion = program.add_subcommand("completion", "Print the completion of options for a shell");
  completion->add_option("SHELL", arguments->shell, "The shell")->required()->type_name("bash|zsh|fish");
  completion->footer(kCompletionExamples);
  completion->callback([arguments, program] { complete(*arguments, program.text()); });

  Command man = program.add_subcommand("man", "Print the manual of a command, for man or as Markdown");
  man->add_option("COMMAND", arguments->page, "The command; none: the program")->type_name("");
  man->add_flag("--markdown", arguments->markdown, "Markdown instead of the macros of man")->group("Output");
  man->add_flag("--list", arguments->list, "Print the names of all commands instead")->group("Output");
  man->footer(kManExamples);
  man->callback([arguments, program] { show(*arguments, program.text()); });
}

}  // namespace pare::cli
