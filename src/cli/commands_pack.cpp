// pare pack and pare unpack: sparse models in fewer bytes, and back.
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "pare/json.h"
#include "pare/pack.h"
#include "pare/results.h"

namespace pare::cli {
namespace pack_command {

constexpr const char* kPackExamples = R"(Examples:
  pare pack pruned/sparsity-90 -o small
      each tensor in the encoding that takes least
  pare pack pruned/sparsity-90 -o small --zstd
      compressed as well, where that takes less
  pare pack pruned/sparsity-50 -o masked --encoding sparse-bitmask
      files that compressed-tensors loads
  pare pack gpt2 --dry-run
      what each encoding would take; writes nothing

Every command of pare reads packed models as they are; for transformers they must be unpacked.
Nothing is lost: pare unpack gives back every byte of the safetensors files.
)";

constexpr const char* kUnpackExamples = R"(Examples:
  pare unpack small -o pruned
      the safetensors files as they were before pare pack

Also reads files in the compressed-tensors format "sparse-bitmask".
)";

struct PackArguments {
  ModelArguments models;
  FormatArguments format;
  RunArguments run;
  std::string output, encoding;
  bool zstd = false, force = false, resume = false, dry_run = false;
};

struct UnpackArguments {
  ModelArguments models;
  RunArguments run;
  std::string output;
  bool force = false;
};

PackOptions options_of(const PackArguments& arguments) {
  PackOptions options;
  options.zstd = arguments.zstd;
  options.force = arguments.force;
  options.resume = arguments.resume;
  if (arguments.encoding.empty()) return options;
  if (arguments.zstd) throw UsageError("--zstd and --encoding cannot be combined");
  std::vector<std::string_view> names;
  for (const Encoding encoding : {Encoding::kDense, Encoding::kBitmask, Encoding::kGaps8, Encoding::kGaps4,
                                  Encoding::kDenseZstd, Encoding::kGaps8Zstd})
    names.push_back(encoding_name(encoding));
  options.encoding = parse_encoding(names[choose("--encoding", arguments.encoding, names)]);
  return options;
}

void run_pack(const PackArguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  const PackOptions options = options_of(arguments);
  if (arguments.output.empty() && !arguments.dry_run)
    throw UsageError("-o is required (output directory), or --dry-run");
  if (!arguments.dry_run) prepare_directory(arguments.output, arguments.force, arguments.run.quiet, arguments.resume);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const Model& model = models.front();
  if (!arguments.output.empty()) prepare_apart(arguments.output, models, arguments.run.quiet);
  PackSummary summary;
  {
    ProgressLine progress(arguments.dry_run ? "counting" : "packing " + arguments.output, arguments.run.quiet);
    const Context followed = progress.follow(context);
    summary = arguments.dry_run ? plan_packing(model, options, followed)
                                : write_packed(model, arguments.output, options, followed);
  }
  if (!context.leads()) return;
  const std::string directory = arguments.dry_run ? "" : arguments.output;
  print_as(format, {[&](Markup markup) { return pack_text(model, summary, directory, markup); },
                    [&] { return pack_csv_table(summary); }, [&] { return pack_json(model, summary, directory); }});
}

void run_unpack(const UnpackArguments& arguments, const Context& context) {
  if (arguments.output.empty()) throw UsageError("-o is required (output directory)");
  prepare_directory(arguments.output, arguments.force, arguments.run.quiet);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const Model& model = models.front();
  if (!arguments.output.empty()) prepare_apart(arguments.output, models, arguments.run.quiet);
  ProgressLine progress("unpacking " + arguments.output, arguments.run.quiet);
  write_unpacked(model, arguments.output, {arguments.force}, progress.follow(context));
}

}  // namespace pack_command

void add_pack_commands(Command& program, const Context& context) {
  using namespace pack_command;
  Command pack = program.add_subcommand("pack", "Store sparse models in smaller files that every command reads");
  const auto packing = std::make_shared<PackArguments>();
  add_models(*pack, packing->models, false);
  pack->add_flag("--zstd", packing->zstd, "Also compress with zstd where that is smaller")->group("Packing");
  pack->add_option("--encoding", packing->encoding,
                   "Use only this encoding, or dense where smaller: sparse-bitmask (which\ncompressed-tensors loads), "
                   "gaps8, gaps4, dense-zstd, gaps8-zstd, dense.\nBy default each tensor takes the smallest")
      ->type_name("NAME")
      ->group("Packing");
  add_output(*pack, packing->output, packing->force, "DIR", "Output directory");
  add_resume(*pack, packing->resume);
  pack->add_flag("--dry-run", packing->dry_run, "Print what would be written, and write nothing")->group("Output");
  add_format(*pack, packing->format);
  add_running(*pack, packing->run);
  pack->footer(kPackExamples);
  pack->callback([packing, context] { run_pack(*packing, context.with_threads(packing->run.threads)); });

  Command unpack = program.add_subcommand("unpack", "Restore packed models byte for byte");
  const auto unpacking = std::make_shared<UnpackArguments>();
  add_models(*unpack, unpacking->models, false);
  add_output(*unpack, unpacking->output, unpacking->force, "DIR", "Output directory");
  add_running(*unpack, unpacking->run);
  unpack->footer(kUnpackExamples);
  unpack->callback([unpacking, context] { run_unpack(*unpacking, context.with_threads(unpacking->run.threads)); });
}

}  // namespace pare::cli
