#include "report/study_text.h"

#include <fmt/format.h>

#include "report/markdown_page.h"
#include "report/study_eval.h"
#include "report/study_findings.h"
#include "report/study_methods.h"
#include "report/study_patterns.h"
#include "report/study_speed.h"
#include "report/study_tables.h"
#include "table/bench_tables.h"
#include "table/inspect_tables.h"

namespace pare::report {
namespace {

std::vector<Inspection> inspections_of(const std::vector<Study>& studies) {
  std::vector<Inspection> inspections;
  for (const Study& study : studies) inspections.push_back(study.inspection);
  return inspections;
}

Sentences escaped_all(const std::vector<std::string>& plain) {
  Sentences sentences;
  for (const std::string& sentence : plain) sentences.push_back(markdown_escape(sentence));
  return sentences;
}

void add_head(Page& page, const StudyDocument& document) {
  std::vector<std::string> titles;
  for (const Study& study : *document.studies) titles.push_back(study.inspection.title);
  page.heading("Sparsity study: " + enumeration(titles), 1);
  page.sentences({"How many parameters are meaningfully larger than 0, overall and by layer?",
                  "What is left of them when the smallest weights are pruned, what does that cost, and what does it "
                  "gain?"});
  std::string made = "Made by pare " PARE_VERSION;
  if (!document.options.command.empty()) made += " with " + markdown_code(document.options.command);
  page.sentences({made + ".", "All figures in full precision: [results.json](results.json)."});
  page.table("The models", models_table(*document.studies));
  const std::string magnitude = markdown_escape(measure_title(Measure::kMagnitude, document.options.cutoff));
  const std::string outside = markdown_escape(measure_title(Measure::kSigned, document.options.cutoff));
  page.bullets(
      {fmt::format("**{}** is the share of parameters whose magnitude is above the cutoff.", magnitude),
       fmt::format("**{}** is the share of parameters that are negative or at least the cutoff: every negative one "
                   "counts as big, so that a tensor symmetric about 0 shows about 50 % plus half of its share of "
                   "{}. It is given beside the first because published histograms of signed values count this way.",
                   outside, magnitude),
       "**Sparsity** is the share of zeros. A tied tensor counts once, a buffer never."});
}

void add_overview(Page& page, const StudyDocument& document) {
  const std::vector<Study>& studies = *document.studies;
  const std::vector<Inspection> inspections = inspections_of(studies);
  page.heading(studies.size() > 1 ? "Side by side" : "Overall", 2);
  page.bullets(shared_findings(studies));
  page.table("All parameters", overall_table(inspections));
  page.image(document.shared->cumulative);
  if (studies.size() > 1) {
    page.heading("By group: " + measure_title(inspections.front().options), 3);
    page.table("Share by group of weights", side_by_side_table(inspections, Rows::kGroups));
    page.heading("The long tail", 3);
    page.table("Parameters in the tail", tails_table(studies));
  }
  page.image(document.shared->tail);
  page.heading(fmt::format("Before and after pruning: {}", measure_title(inspections.front().options)), 3);
  page.table("Share before and after pruning", shared_levels_table(studies));
  page.image(document.shared->levels);
  if (!any_bench(studies)) return;
  page.heading("Shares, cost, size and run time together", 3);
  page.table("Share, score, size and speed at each level", gains_table(studies));
}

void add_shares(Page& page, const Study& study, const ModelCharts& charts) {
  const Inspection& inspection = study.inspection;
  page.heading("Shares: how many parameters are big", 3);
  page.sentences(overall_findings(study));
  page.image(charts.histogram);
  page.table("By group of weights", rows_table(inspection, Rows::kGroups));
  page.heading("By layer", 3);
  page.sentences(layer_findings(study));
  page.images(charts.by_layer);
  page.heat_maps(study);
  if (!inspection.spreads.empty()) page.table("How the share varies between layers", spread_table(inspection));
  if (!inspection.layers.empty()) page.folded("Every layer", rows_table(inspection, Rows::kLayers));
  page.every_tensor(study);
  page.heading("The long tail", 3);
  page.sentences(tail_findings(study));
  page.table("The largest magnitudes", largest_table(inspection));
}

std::string method(const Study& study) {
  const PruneOptions& options = study.plan.options;
  if (options.pattern != Pattern()) return pattern_method(options);
  std::string text = options.scope == Scope::kGlobal
                         ? "The smallest magnitudes over all pruned tensors together are set to 0"
                         : "The smallest magnitudes of each pruned tensor are set to 0, the same amount of each";
  return text + (options.schedule == Schedule::kIndependent
                     ? ", at each level from the original weights."
                     : ", each level pruning its amount of what the previous level left.");
}

void add_pruning(Page& page, const Study& study, const ModelCharts& charts, const ReportOptions& options) {
  page.heading("Pruning", 3);
  Sentences opening{method(study)};
  for (std::string& sentence : selection_findings(study)) opening.push_back(std::move(sentence));
  page.sentences(opening);
  Sentences notes;
  for (const std::string& note : study.plan.notes) notes.push_back(markdown_escape(note));
  page.bullets(notes);
  page.table("Each level", levels_table(study));
  page.sentences(level_findings(study));
  page.image(charts.pruned);
  page.folded("What was pruned and what was left alone, by group", selection_table(study));
  page.heading("Sparsity by layer at each level", 3);
  page.sentences(evenness_findings(study));
  page.images(charts.sparsity);
  page.table("Sparsity of each layer", layer_sparsity_table(study));
  if (!options.keep_models) return;
  std::string links;
  for (std::size_t i = 0; i < study.levels.size(); ++i)
    links +=
        fmt::format("{}[{}]({})", i == 0 ? "" : ", ", level_title(study.plan.levels[i].amount), level_path(study, i));
  page.sentences({"Pruned checkpoints: " + links + "."});
}

void add_tasks(Page& page, const Study& study, const ModelCharts& charts) {
  if (study.tasks.empty()) return;
  page.heading("Cost: what pruning does to the scores", 3);
  std::vector<std::string> left_out;
  std::size_t chart = 0;
  for (const TaskCurve& curve : study.tasks) {
    const std::string task(task_name(curve.results.task));
    if (!curve.unsuitable.empty()) {
      left_out.push_back(fmt::format("{} ({})", task, markdown_escape(curve.unsuitable)));
      continue;
    }
    const Evaluation& dense = curve.results.rows.front().evaluation;
    page.heading(fmt::format("{} on {}", task, curve.results.data), 4);
    page.sentences({fmt::format("{}, {} scored.", plural(dense.items, task_kind(curve.results.task).item),
                                plural(dense.tokens, "token"))});
    page.image(charts.tasks[chart++]);
    page.sentences(task_findings(curve, study.plan));
    page.table(fmt::format("Scores on {}", task), task_table(curve, study.plan));
    page.bullets(dense.notes);
  }
  if (!left_out.empty())
    page.sentences({fmt::format("Not scored, because the task does not suit this model: {}.", enumeration(left_out))});
}

void add_patterns(Page& page, const Study& study) {
  if (study.patterns.empty()) return;
  page.heading("Patterns at equal sparsity", 3);
  page.sentences(pattern_findings(study));
  page.table("Patterns at each level", pattern_table(study));
}

void add_methods(Page& page, const Study& study, const ModelCharts& charts) {
  const Methods& methods = study.methods;
  if (methods.rows.empty() && methods.left_out.empty()) return;
  page.heading("Criteria side by side", 3);
  if (!methods.left_out.empty())
    return page.sentences({fmt::format("Not compared: {}.", markdown_escape(methods.left_out))});
  page.sentences(method_findings(study));
  page.images(charts.methods);
  page.table("Criteria at each level", method_table(study));
  page.bullets(escaped_all(methods.notes));
}

void add_gains(Page& page, const Study& study, const ModelCharts& charts) {
  if (!study.bench_left_out.empty()) {
    page.heading("Size and run time", 3);
    page.sentences({fmt::format("Not measured: {}.", markdown_escape(study.bench_left_out))});
  }
  if (!study.bench) return;
  const BenchResult& bench = *study.bench;
  if (table::has_sizes(bench)) {
    page.heading("Size: what packing saves", 3);
    page.images(charts.sizes);
    page.sentences(escaped_all(size_findings(bench)));
    page.table("Size of the files", sizes_table(bench));
    page.folded("Loading, from the page cache to the first result", load_table(bench));
  }
  page.heading("Run time: what sparse kernels save", 3);
  page.images(charts.speed);
  page.sentences(escaped_all(speed_findings(bench)));
  page.heading(table::prefill_title(bench), 4);
  page.table(fmt::format("Time of {}", table::prefill_title(bench)), prefill_table(bench));
  if (bench.decodes) {
    page.heading(fmt::format("One token at a time, after {}", bench.context), 4);
    page.table("Time of one token", decode_table(bench));
    page.folded("How long one token takes", latency_table(bench));
  }
  page.bullets(escaped_all(bench_remarks(bench)));
  if (charts.trade_offs.empty()) return;
  page.heading("Quality against speed-up and size", 3);
  std::size_t chart = 0;
  for (const TaskCurve& curve : study.tasks) {
    if (!curve.unsuitable.empty()) continue;
    page.image(charts.trade_offs[chart++]);
    page.sentences(escaped_all(trade_off_findings(curve, study.plan, bench)));
  }
}

void add_model(Page& page, const Study& study, const ModelCharts& charts, const ReportOptions& options) {
  page.heading(study.inspection.title, 2);
  const std::vector<std::string> remarks = table::model_remarks(*study.model, study.inspection.left_out);
  page.bullets(escaped_all(remarks));
  add_shares(page, study, charts);
  add_pruning(page, study, charts, options);
  add_tasks(page, study, charts);
  add_patterns(page, study);
  add_methods(page, study, charts);
  add_gains(page, study, charts);
}

}  // namespace

std::string level_path(const Study& study, std::size_t level) {
  const std::string& label = study.plan.levels[level].amount.label;
  return fmt::format("models/{}/{}{}", study.slug, label.starts_with("amount-") ? "" : "sparsity-", label);
}

void write_study(Page& page, const StudyDocument& document) {
  add_head(page, document);
  add_overview(page, document);
  for (std::size_t i = 0; i < document.studies->size(); ++i)
    add_model(page, (*document.studies)[i], (*document.charts)[i], document.options);
  page.heading("How long it took", 2);
  page.table("Time of each step", steps_table(*document.studies));
  page.sentences({fmt::format("In all, with charts and files: {:.2f} s.", document.seconds)});
}

std::string report_markdown(const StudyDocument& document) {
  MarkdownPage page;
  write_study(page, document);
  return page.text();
}

std::string tensors_markdown(const Study& study) {
  MarkdownPage page;
  page.heading(study.inspection.title + ": every tensor", 1);
  page.sentences({"Part of the [report](../report.md).",
                  fmt::format("The same for programs: [CSV]({}.csv).", study.slug),
                  "Zeros after pruning are given for the tensors that are pruned."});
  page.table("", tensors_table(study));
  return page.text();
}

}  // namespace pare::report
