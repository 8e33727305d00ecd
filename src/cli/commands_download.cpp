// pare download: models of the Hugging Face Hub, into the local cache.
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "pare/hub.h"
#include "pare/json.h"
#include "pare/results.h"

namespace pare::cli {
namespace download_command {

constexpr const char* kExamples = R"(Examples:
  pare download gpt2 --dry-run
      the files that pare needs of GPT-2, its number of weights, and how many bytes are not in the cache
  pare download google-t5/t5-small@main
      what is missing of the current commit; other commands take what is in the cache

Every command downloads a MODEL that is not in the cache. The cache is that of huggingface_hub:
HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE mean the same (docs/hub.md).
)";

struct Arguments {
  std::string model;
  FormatArguments format;
  RunArguments run;
  bool dry_run = false;
};

void run(const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  HubDownload result;
  {
    ProgressLine progress("asking for " + arguments.model, arguments.run.quiet);
    const Context followed = progress.follow(context);
    result = arguments.dry_run ? plan_download(arguments.model, followed) : download(arguments.model, followed);
  }
  print_as(format, {[&](Markup markup) { return download_text(result, arguments.dry_run, markup); },
                    [&] { return download_table(result); }, [&] { return download_json(result, arguments.dry_run); }});
}

}  // namespace download_command

void add_download_command(Command& program, const Context& context) {
  using namespace download_command;
  Command command = program.add_subcommand("download", "Download a model of the Hugging Face Hub into the local cache");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("NAME", arguments->model, "A name on the Hub, such as google-t5/t5-small, or NAME@REVISION")
      ->type_name("")
      ->required();
  command->add_flag("--dry-run", arguments->dry_run, "Only list the files, their sizes and what the weights are");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
