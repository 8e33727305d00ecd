// The commands of the program, one source file each. Each adds its options to a subcommand whose
// callback does the work with `context`, on the threads that the options ask for; failures are thrown and become one
// line in main().
#pragma once

#include <string>

#include "pare/context.h"

namespace pare::cli {

class Command;

void add_bench_command(Command& program, const Context& context);
void add_calibrate_command(Command& program, const Context& context);
void add_convert_command(Command& program, const Context& context);
void add_download_command(Command& program, const Context& context);
void add_inspect_command(Command& program, const Context& context);
void add_mask_command(Command& program, const Context& context);
void add_merge_command(Command& program, const Context& context);
void add_eval_command(Command& program, const Context& context);
void add_manual_commands(Command& program);  ///< completion and man, which describe all commands added before they run
void add_plot_command(Command& program, const Context& context);
void add_prune_command(Command& program, const Context& context);
void add_pack_commands(Command& program, const Context& context);  ///< pack and unpack
void add_sensitivity_command(Command& program, const Context& context);
void add_tune_command(Command& program, const Context& context);
/// `command_line` is the command that the report shows as its origin.
void add_report_command(Command& program, const std::string& command_line, const Context& context);

}  // namespace pare::cli
