// pare convert: models in another format.
#include <fmt/format.h>

#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "pare/convert.h"

namespace pare::cli {
namespace convert_command {

constexpr const char* kConvertExamples = R"(Examples:
  pare convert SmolLM2.Q4_1.gguf -o smollm2
      a directory of safetensors files that from_pretrained loads
  pare convert pruned/sparsity-50 -o pruned.gguf --type Q8_0
      a file that llama.cpp loads

GGUF files are written of Llama, Mistral, Qwen2, Qwen3, GPT-2 and StarCoder 2. Norms, biases and
position embeddings stay F32.
)";

struct ConvertArguments {
  ModelArguments models;
  RunArguments run;
  std::string output, type;
  bool force = false;
};

bool names_gguf(const std::string& path) { return path.ends_with(".gguf"); }

GgufOptions gguf_options(const ConvertArguments& arguments) {
  GgufOptions options;
  options.force = arguments.force;
  if (arguments.type.empty()) return options;
  std::vector<std::string_view> names;
  const GgufWeights all[] = {GgufWeights::kF32, GgufWeights::kF16, GgufWeights::kBF16, GgufWeights::kQ8_0};
  for (const GgufWeights weights : all) names.push_back(gguf_weights_name(weights));
  options.weights = all[choose("--type", arguments.type, names)];
  return options;
}

void run_convert(const ConvertArguments& arguments, const Context& context) {
  if (arguments.output.empty()) throw UsageError("-o is required (output directory, or a file that ends in .gguf)");
  const bool to_gguf = names_gguf(arguments.output);
  if (!to_gguf && !arguments.type.empty()) throw UsageError("--type is for output that ends in .gguf");
  const GgufOptions options = gguf_options(arguments);
  if (to_gguf)
    prepare_file(arguments.output, arguments.force, arguments.run.quiet);
  else
    prepare_directory(arguments.output, arguments.force, arguments.run.quiet);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const Model& model = models.front();
  prepare_apart(arguments.output, models, arguments.run.quiet);
  ProgressLine progress("converting " + arguments.output, arguments.run.quiet);
  if (to_gguf)
    write_gguf(model, arguments.output, options, progress.follow(context));
  else
    write_converted(model, arguments.output, {arguments.force}, progress.follow(context));
}

}  // namespace convert_command

void add_convert_command(Command& program, const Context& context) {
  using namespace convert_command;
  Command convert = program.add_subcommand("convert", "Write a model as safetensors files or as GGUF");
  const auto converting = std::make_shared<ConvertArguments>();
  add_models(*convert, converting->models, false);
  convert
      ->add_option(
          "--type", converting->type,
          "Type of the matrices in a GGUF file: F32, F16, BF16 or Q8_0. By default\nthe model's own, or F32 where "
          "types are mixed or quantized")
      ->type_name("TYPE")
      ->group("Output");
  add_output(*convert, converting->output, converting->force, "DIR|FILE.gguf", "Output directory or GGUF file");
  add_running(*convert, converting->run);
  convert->footer(kConvertExamples);
  convert->callback([converting, context] { run_convert(*converting, context.with_threads(converting->run.threads)); });
}

}  // namespace pare::cli
