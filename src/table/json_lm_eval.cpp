#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "pare/error.h"
#include "pare/json.h"
#include "table/json_values.h"

namespace pare {
namespace {

using table::Json;
using table::number;

struct Metric {
  std::string_view score;  ///< pare's name
  const char* name;        ///< lm-evaluation-harness' name
};

struct LmEvalTask {
  Task task;
  const char* name;
  double version;  ///< of the definition that pare follows
  std::span<const Metric> metrics;
};

constexpr std::array<Metric, 3> kWikitext = {{{"word_perplexity", "word_perplexity"},
                                              {"byte_perplexity", "byte_perplexity"},
                                              {"bits_per_byte", "bits_per_byte"}}};
constexpr std::array<Metric, 2> kLambada = {{{"perplexity", "perplexity"}, {"accuracy", "acc"}}};
constexpr std::array<LmEvalTask, 2> kTasks = {
    {{Task::kWikitext, "wikitext", 2.0, kWikitext}, {Task::kLambada, "lambada_openai", 1.0, kLambada}}};

const LmEvalTask* find_task(Task task) noexcept {
  const auto* const found =
      std::find_if(kTasks.begin(), kTasks.end(), [&](const LmEvalTask& entry) { return entry.task == task; });
  return found == kTasks.end() ? nullptr : found;
}

/// The title, and for a pruned model how it was pruned, as its directory would be named.
std::string model_name(const EvalRow& row) {
  std::string name = row.model;
  if (row.pattern && *row.pattern != "unstructured") name += "-" + *row.pattern;
  return row.level ? name + "-sparsity-" + *row.level : name;
}

/// As lm-evaluation-harness names the directory of a model's results.
std::string sanitized(const std::string& name) {
  std::string text;
  for (const char c : name)
    if (std::string_view("\"<>:/|\\?*[]").find(c) == std::string_view::npos)
      text += c;
    else if (!text.ends_with("__"))
      text += "__";
  return text;
}

Json metrics_json(const LmEvalTask& task, const Evaluation& evaluation) {
  Json json{{"name", task.name}, {"alias", task.name}, {"sample_len", evaluation.items}};
  for (const Metric& metric : task.metrics)
    for (const Score& score : evaluation.scores) {
      if (score.name != metric.score) continue;
      json[fmt::format("{},none", metric.name)] = number(score.value);
      json[fmt::format("{}_stderr,none", metric.name)] =
          score.standard_error ? number(*score.standard_error) : Json("N/A");
    }
  return json;
}

Json result_json(const LmEvalTask& task, const EvalResults& results, const EvalRow& row) {
  const auto by_task = [&](Json value) { return Json{{task.name, std::move(value)}}; };
  Json better;
  for (const Metric& metric : task.metrics) better[metric.name] = score_kind(metric.score).higher_is_better;
  Json samples{{"effective", row.evaluation.items}};
  // How many there are is not known if not all were read.
  if (results.limit == 0 || row.evaluation.items < results.limit) samples["original"] = row.evaluation.items;
  const std::string name = model_name(row);
  return {{"results", by_task(metrics_json(task, row.evaluation))},
          {"group_subtasks", Json::object()},
          {"configs", by_task({{"task", task.name},
                               {"dataset_path", results.data},
                               {"num_fewshot", 0},
                               {"metadata", {{"version", task.version}}}})},
          {"versions", by_task(task.version)},
          {"n-shot", by_task(0)},
          {"higher_is_better", by_task(std::move(better))},
          {"n-samples", by_task(std::move(samples))},
          {"config",
           {{"model", "pare"},
            {"model_args", "pretrained=" + row.model},
            {"batch_size", nullptr},
            {"batch_sizes", Json::array()},
            {"device", "cpu"},
            {"limit", results.limit == 0 ? Json() : Json(results.limit)}}},
          {"model_source", "pare"},
          {"model_name", name},
          {"model_name_sanitized", sanitized(name)},
          {"total_evaluation_time_seconds", fmt::format("{}", row.evaluation.seconds)},
          {"pare",
           {{"level", row.level ? Json(*row.level) : Json()},
            {"pattern", row.pattern ? Json(*row.pattern) : Json()},
            {"sparsity", row.sparsity.percent() / 100},
            {"notes", row.evaluation.notes}}}};
}

}  // namespace

bool has_lm_eval_task(Task task) noexcept { return find_task(task) != nullptr; }

std::string lm_eval_json(const EvalResults& results) {
  const LmEvalTask* task = find_task(results.task);
  if (task == nullptr)
    throw Error(ErrorCode::kArgument,
                fmt::format("lm-evaluation-harness does not have a task like '{}'", task_name(results.task)));
  std::string lines;
  for (const EvalRow& row : results.rows) lines += base::compact_text(result_json(*task, results, row)) + "\n";
  return lines;
}

}  // namespace pare
