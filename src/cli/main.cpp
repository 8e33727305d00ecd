// The pare program: reads the command line, runs one command, turns failures into one line.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "pare/error.h"
#include "pare/process_group.h"

namespace pare::cli {
namespace {

constexpr int kFailure = 1, kUsage = 2;

constexpr const char* kExamples = R"(Examples:
  pare inspect gpt2                                 which parameters are large, and where
  pare plot gpt2 -o gpt2.png                        a histogram
  pare prune gpt2 -o pruned --levels 50,90          two pruned checkpoints
  pare pack pruned/sparsity-90 -o packed            an eighth of the size on disk
  pare eval gpt2 --task lambada --data lambada.jsonl --levels 50,90
                                                    what pruning costs
  pare bench gpt2 --levels 50,90                    what pruning gains: size and speed
  pare report gpt2 t5-small -o study                the whole study of two models

MODEL is a directory, a checkpoint file (.safetensors, .bin, .pt, .pth, .ckpt, .gguf), an index file, or a
name on the Hugging Face Hub, which is downloaded unless the local cache has it (HF_HOME, HF_TOKEN,
HF_HUB_OFFLINE). TITLE=MODEL gives it a title, ENCODER+DECODER composes an encoder-decoder.
pare COMMAND --help lists all options.

Exit status: 0 success, 1 failure, 2 usage error, 128 + signal number (130 for Ctrl-C) if interrupted.
With --json, a failure is also printed as JSON: {"error": {"code": "not-found", "message": ...}}.
)";

/// The command line, quoted so that it can be typed again.
std::string quoted_command_line(int argc, char** argv) {
  std::string text = "pare";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool plain = !argument.empty() && argument.find_first_not_of(
                                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
                                                "TUVWXYZ0123456789_@%+=:,./-") == std::string::npos;
    if (plain) {
      text += ' ' + argument;
      continue;
    }
    text += " '";
    for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

void describe(CLI::App& program) {
  program.name("pare");
  shape_help(program);
  program.set_help_flag("-h,--help", "Print help and exit");
  program.set_version_flag("--version", "pare " PARE_VERSION, "Print the version and exit");
  program.require_subcommand(1);
  program.footer(kExamples);
}

/// The name of the command that was given, e.g. "inspect".
std::string command_named(const CLI::App& program) {
  const auto named = program.get_subcommands();
  return named.empty() ? std::string() : named.front()->get_name();
}

/// Commands whose work the processes of mpirun share.
void require_shareable(const CLI::App& program, const Context& context) {
  constexpr std::string_view kShared[] = {"inspect", "plot", "prune", "pack", "eval", "sensitivity"};
  const std::string command = command_named(program);
  if (context.group() == nullptr || std::find(std::begin(kShared), std::end(kShared), command) != std::end(kShared))
    return;
  throw UsageError(fmt::format("pare {} runs as one process, not under mpirun (found {} processes)", command,
                               context.group()->size()));
}

int usage_failure(const CLI::App& program, const std::string& what, const FailureReport& report,
                  const Context& context) {
  if (!context.leads()) return kUsage;
  const std::string command = command_named(program);
  report.print(error_code_name(ErrorCode::kArgument),
               fmt::format("{} (see pare {}{}--help)", what, command, command.empty() ? "" : " "));
  return kUsage;
}

int parse_failure(const CLI::App& program, const CLI::ParseError& error, const FailureReport& report,
                  const Context& context) {
  if (dynamic_cast<const CLI::CallForHelp*>(&error) != nullptr) {
    print(program.help());
    return 0;
  }
  if (dynamic_cast<const CLI::CallForVersion*>(&error) != nullptr) {
    print("pare " PARE_VERSION "\n");
    return 0;
  }
  if (command_named(program).empty()) {
    const std::vector<std::string> unknown = program.remaining();
    return usage_failure(program,
                         unknown.empty()
                             ? "a command is required: inspect, merge, plot, prune, mask, calibrate, pack, unpack, "
                               "convert, download, eval, sensitivity, bench, tune or report"
                             : fmt::format("unknown command '{}'", unknown.front()),
                         report, context);
  }
  return usage_failure(program, error.what(), report, context);
}

/// Runs the command and returns the exit status. Exceptions that leave this function are failures.
int run_command(int argc, char** argv, const FailureReport& report, const Context& context) {
  CLI::App program("Measures, induces and exploits sparsity in transformer checkpoints.");
  describe(program);
  Command root(program);
  add_inspect_command(root, context);
  add_merge_command(root, context);
  add_plot_command(root, context);
  add_prune_command(root, context);
  add_mask_command(root, context);
  add_calibrate_command(root, context);
  add_pack_commands(root, context);
  add_convert_command(root, context);
  add_download_command(root, context);
  add_eval_command(root, context);
  add_sensitivity_command(root, context);
  add_bench_command(root, context);
  add_tune_command(root, context);
  add_report_command(root, quoted_command_line(argc, argv), context);
  add_manual_commands(root);
  for (CLI::App* command : program.get_subcommands({})) {
    command->group("Commands");
    command->parse_complete_callback([&program, &context] { require_shareable(program, context); });
  }
  try {
    program.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return parse_failure(program, error, report, context);
  } catch (const CheckFailed& failed) {
    print_error(failed.what());
    return kFailure;
  } catch (const UsageError& error) {
    return usage_failure(program, error.what(), report, context);
  }
}

/// Ends a command that was stopped by a signal, or because a source was truncated. When a rank of a group fails, mpirun
/// stops the others, which have nothing to add to the message of that rank.
int stopped(const FailureReport& report, const Context& context) {
  if (file_shrank()) {
    report.print(error_code_name(ErrorCode::kChanged), "a mapped file shrank while it was being read");
    return kFailure;
  }
  if (context.leads() && !(context.group() != nullptr && stop_status() == 128 + SIGTERM))
    report.print("interrupted", "interrupted");
  return stop_status();
}

/// Most failures of a group happen to all ranks at once. The others give rank 0 some time to tell of it and to end
/// them.
void defer_to_rank_0(const Context& context) {
  if (context.leads()) return;
  const auto turn = std::chrono::milliseconds(1000 + 5 * context.group()->rank());
  for (const auto start = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - start < turn;) {
    context.check();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// Runs the command; every failure becomes one line.
int guarded(int argc, char** argv, const FailureReport& report, const Context& context) {
  try {
    try {
      return run_command(argc, argv, report, context);
    } catch (...) {
      if (context.stopped()) return stopped(report, context);  // Ctrl-C may have ended a program that pare had started
      defer_to_rank_0(context);
      throw;
    }
  } catch (const std::bad_alloc&) {
    report.print(error_code_name(ErrorCode::kOutOfMemory), "out of memory");
  } catch (const Interrupted&) {
    return stopped(report, context);
  } catch (const Error& error) {
    report.print(error);
  } catch (const std::exception& error) {
    report.print("internal", fmt::format("unexpected failure, please report it: {}", error.what()));
  }
  return kFailure;
}

/// Of the shared work, without the start of MPI.
struct Stopwatch {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::clock_t cpu = std::clock();
};

/// The bytes that this rank has sent, and its time, if PARE_TRAFFIC is set: for measurements (docs/clusters.md).
void report_traffic(const ProcessGroup& group, const Stopwatch& watch) {
  if (std::getenv("PARE_TRAFFIC") == nullptr) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - watch.start).count();
  const double cpu = static_cast<double>(std::clock() - watch.cpu) / CLOCKS_PER_SEC;
  print_error(fmt::format("rank {}: sent {} bytes in {} messages, ran for {:.3f} s, {:.3f} s of the processor",
                          group.rank(), group.bytes_sent(), group.messages_sent(), seconds, cpu));
}

/// For failures before MPI is there: whether this is rank 0 of mpirun, or alone.
bool is_first() {
  for (const char* variable : {"OMPI_COMM_WORLD_RANK", "PMI_RANK"})
    if (const char* rank = std::getenv(variable)) return std::string_view(rank) == "0";
  return true;
}

/// One process, or a rank of those that mpirun started.
int run_process(int argc, char** argv) {
  FailureReport report(argc, argv);
  std::shared_ptr<ProcessGroup> group;
  try {
    group = group_of_mpirun();
  } catch (const Error& error) {
    // mpirun ends all ranks when the first one fails, so the others give rank 0 time to tell why.
    if (is_first())
      report.print(error);
    else
      std::this_thread::sleep_for(std::chrono::seconds(5));
    return kFailure;
  }
  const Stopwatch watch;
  const Context context = Context().with_group(group);
  if (group) report.name_rank(group->rank());
  if (!context.leads()) silence();
  const SignalHandlers handlers(context);  // after MPI has set its own
  const int status = guarded(argc, argv, report, context);
  // A usage error happens to all ranks alike, so they end as after a success, each with this status.
  if (group && status > 128) std::_Exit(status);  // stopped by mpirun, which ends the others as well
  if (group && status != 0 && status != kUsage) group->abort(status);
  if (group) report_traffic(*group, watch);
  return status;
}

/// Frees reserved memory when memory is exhausted, so that cleaning up can succeed: destructors of JSON values
/// allocate.
std::atomic<void*> ballast{nullptr};

void give_back() {
  void* memory = ballast.exchange(nullptr);
  if (memory == nullptr) throw std::bad_alloc();
  std::free(memory);
}

void reserve_memory() {
  constexpr std::size_t kBallast = 1 << 20;
  ballast = std::malloc(kBallast);
  std::set_new_handler(give_back);
}

}  // namespace
}  // namespace pare::cli

int main(int argc, char** argv) {
  pare::cli::reserve_standard_streams();
  pare::cli::reserve_memory();
  return pare::cli::run_process(argc, argv);
}
