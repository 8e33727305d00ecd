// Options of commands that score models.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pare/eval.h"

namespace pare::cli {

class Command;

struct TaskArguments {
  std::string task, data, protocol;
  std::size_t limit = 0, context = 0, stride = 0, beams = 1, max_new_tokens = 64;
  double length_penalty = 1;
  EvalOptions defaults = {};  ///< options that set columns and label words write here
  std::string prefix, label_words;
};

/// --task, --data and the options of single tasks.
void add_task(Command& command, TaskArguments& arguments);
/// Throws UsageError for a task that is missing or unknown and for data that is missing.
EvalOptions eval_options_of(const Command& command, const TaskArguments& arguments);

}  // namespace pare::cli
