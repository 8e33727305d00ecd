#include "cli/eval_options.h"

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/options.h"
#include "pare/error.h"

namespace pare::cli {

void add_task(Command& command, TaskArguments& arguments) {
  const auto option = [&](const char* name, auto& variable, const char* help, const char* type, const char* group) {
    return command.add_option(name, variable, help)->type_name(type)->group(group);
  };
  constexpr const char *kTask = "Task", *kText = "Text", *kTable = "Tables", *kWriting = "Writing";
  option("--task", arguments.task,
         "perplexity, wikitext, lambada (decoders); masked-lm (encoders);\n"
         "classify; text2text (encoder-decoders); divergence (any)",
         "NAME", kTask);
  option("--data", arguments.data, "Text, JSON lines or TSV file to score on", "FILE", kTask);
  option("--limit", arguments.limit, "Use only the first N windows, pages, lines or rows", "N", kTask)
      ->range(0, 1'000'000'000);
  option("--protocol", arguments.protocol,
         "perplexity: huggingface, sliding windows (default); sparsegpt, disjoint\n"
         "windows of 2048 tokens of a WikiText file, as in papers on pruning",
         "NAME", kText);
  option("--context", arguments.context, "Tokens per window (default: the model's positions)", "N", kText)
      ->range(0, 1'000'000'000);
  option("--stride", arguments.stride, "Tokens between window starts (default: half the context)", "N", kText)
      ->range(0, 1'000'000'000);
  EvalOptions& defaults = arguments.defaults;
  option("--text-column", defaults.text_column, "classify: column of the text (default sentence)", "NAME", kTable);
  option("--pair-column", defaults.pair_column, "classify: column of the second text, if any", "NAME", kTable);
  option("--label-column", defaults.label_column, "classify: column of the label (default label)", "NAME", kTable);
  option("--source-column", defaults.source_column, "text2text: column of the source (default source)", "NAME", kTable);
  option("--target-column", defaults.target_column, "text2text: column of the target (default target)", "NAME", kTable);
  option("--prefix", arguments.prefix, "Text before every source (T5's classify: 'sst2 sentence: ')", "TEXT", kTable);
  option("--pair-prefix", defaults.pair_prefix, "T5's classify: text before the second text (default ' sentence2: ')",
         "TEXT", kTable);
  option("--label-words", arguments.label_words,
         "T5's classify: words for labels 0,1,... (default\n"
         "negative,positive)",
         "W,...", kTable);
  option("--beams", arguments.beams, "text2text: beam search with N beams (default 1: greedy)", "N", kWriting)
      ->range(1, 1000);
  option("--max-new-tokens", arguments.max_new_tokens, "text2text: maximum output tokens (default 64)", "N", kWriting)
      ->range(1, 100'000);
  option("--length-penalty", arguments.length_penalty, "text2text: exponent of the length (default 1)", "P", kWriting);
}

EvalOptions eval_options_of(const Command& command, const TaskArguments& arguments) {
  EvalOptions options = arguments.defaults;
  if (arguments.task.empty()) throw UsageError(fmt::format("--task is required: {}", fmt::join(task_names(), ", ")));
  try {
    options.task = parse_task(arguments.task);
  } catch (const Error& error) {
    throw UsageError(fmt::format("--task: {}", error.what()));
  }
  if (arguments.data.empty()) throw UsageError("--data is required (the file to score on)");
  options.data = arguments.data;
  options.limit = arguments.limit;
  constexpr Protocol kProtocols[] = {Protocol::kHuggingFace, Protocol::kSparseGpt};
  if (!arguments.protocol.empty()) {
    if (options.task != Task::kPerplexity) throw UsageError("--protocol applies to --task perplexity only");
    options.protocol = kProtocols[choose("--protocol", arguments.protocol,
                                         {protocol_name(kProtocols[0]), protocol_name(kProtocols[1])})];
  }
  options.context = arguments.context;
  options.stride = arguments.stride;
  if (command.count("--prefix") != 0) options.prefix = arguments.prefix;
  if (!arguments.label_words.empty()) options.label_words = split("--label-words", {arguments.label_words});
  options.generation = {arguments.beams, arguments.max_new_tokens, arguments.length_penalty};
  return options;
}

}  // namespace pare::cli
