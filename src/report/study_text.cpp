#include "report/study_text.h"

#include <fmt/format.h>

#include "report/study_eval.h"
#include "report/study_findings.h"
#include "report/study_patterns.h"
#include "report/study_speed.h"
#include "report/study_tables.h"
#include "table/bench_results.h"
#include "table/inspect_tables.h"
#include "table/inspect_text.h"

namespace pare::report {
namespace {

/// Blocks of Markdown, divided by empty lines.
class Page {
 public:
  void heading(int level, std::string_view text) {
    block(std::string(static_cast<std::size_t>(level), '#') + ' ' + markdown_escape(text));
  }
  /// Sentences as one paragraph.
  void sentences(const Sentences& sentences) {
    std::string paragraph;
    for (const std::string& sentence : sentences) paragraph += (paragraph.empty() ? "" : " ") + sentence;
    if (!paragraph.empty()) block(paragraph);
  }
  void list(const Sentences& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "- " : "\n- ") + item;
    if (!text.empty()) block(text);
  }
  void table(const Table& table) {
    std::string text = to_markdown(table);
    text.pop_back();
    block(text);
  }
  void image(const ChartFile& chart) {
    if (!chart.failure.empty())
      return block(markdown_escape(fmt::format("{}: this chart could not be drawn ({}).", chart.alt, chart.failure)));
    block(fmt::format("![{}](charts/{})", markdown_escape(chart.alt), chart.name));
  }
  void images(const std::vector<ChartFile>& charts) {
    for (const ChartFile& chart : charts) image(chart);
  }
  void folded(std::string_view summary, const Table& content) {
    block(fmt::format("<details><summary>{}</summary>\n\n{}\n</details>", summary, to_markdown(content)));
  }
  /// Markdown as it is.
  void block(std::string_view markdown) {
    if (!text_.empty()) text_ += '\n';
    text_ += markdown;
    text_ += '\n';
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

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

std::string big_text(const InspectOptions& options) { return measure_title(options.measure, options.cutoff); }

void add_head(Page& page, const StudyDocument& document) {
  std::vector<std::string> titles;
  for (const Study& study : *document.studies) titles.push_back(study.inspection.title);
  page.heading(1, "Sparsity study: " + enumeration(titles));
  page.sentences({"How many parameters are meaningfully larger than 0, overall and by layer?",
                  "What is left of them when the smallest weights are pruned, what does that cost, and what does it "
                  "gain?"});
  std::string made = "Made by pare " PARE_VERSION;
  if (!document.options.command.empty()) made += " with " + markdown_code(document.options.command);
  page.block(made + ". All figures in full precision: [results.json](results.json).");
  page.table(models_table(*document.studies));
  const std::string magnitude = markdown_escape(measure_title(Measure::kMagnitude, document.options.cutoff));
  const std::string outside = markdown_escape(measure_title(Measure::kSigned, document.options.cutoff));
  page.list(
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
  page.heading(2, studies.size() > 1 ? "Side by side" : "Overall");
  page.list(shared_findings(studies));
  page.table(overall_table(inspections));
  page.image(document.shared->cumulative);
  if (studies.size() > 1) {
    page.heading(3, "By group: " + big_text(inspections.front().options));
    page.table(side_by_side_table(inspections, Rows::kGroups));
    page.heading(3, "The long tail");
    page.table(tails_table(studies));
  }
  page.image(document.shared->tail);
  page.heading(3, fmt::format("Before and after pruning: {}", big_text(inspections.front().options)));
  page.table(shared_levels_table(studies));
  page.image(document.shared->levels);
  if (!any_bench(studies)) return;
  page.heading(3, "Shares, cost, size and run time together");
  page.table(gains_table(studies));
}

void add_shares(Page& page, const Study& study, const ModelCharts& charts) {
  const Inspection& inspection = study.inspection;
  page.heading(3, "Shares: how many parameters are big");
  page.sentences(overall_findings(study));
  page.image(charts.histogram);
  page.table(rows_table(inspection, Rows::kGroups));
  page.heading(3, "By layer");
  page.sentences(layer_findings(study));
  page.images(charts.by_layer);
  if (!inspection.spreads.empty()) page.table(spread_table(inspection));
  if (!inspection.layers.empty()) page.folded("Every layer", rows_table(inspection, Rows::kLayers));
  page.block(fmt::format("Every tensor: [table](tables/{0}.md), [CSV](tables/{0}.csv).", study.slug));
  page.heading(3, "The long tail");
  page.sentences(tail_findings(study));
  page.table(largest_table(inspection));
}

std::string method(const Study& study) {
  const PruneOptions& options = study.plan.options;
  if (options.pattern != Pattern()) return pattern_method(options);
  std::string text = options.scope == Scope::kGlobal
                         ? "The smallest magnitudes over all pruned tensors together are set to 0"
                         : "The smallest magnitudes of each pruned tensor are set to 0, the same amount of each";
  return text + (options.schedule == Schedule::kIndependent
                     ? ", at each level from the original weights."
                     : ", each level taking its amount of what the level before left.");
}

void add_pruning(Page& page, const Study& study, const ModelCharts& charts, const ReportOptions& options) {
  page.heading(3, "Pruning");
  Sentences opening{method(study)};
  for (std::string& sentence : selection_findings(study)) opening.push_back(std::move(sentence));
  page.sentences(opening);
  Sentences notes;
  for (const std::string& note : study.plan.notes) notes.push_back(markdown_escape(note));
  page.list(notes);
  page.table(levels_table(study));
  page.sentences(level_findings(study));
  page.image(charts.pruned);
  page.folded("What was pruned and what was left alone, by group", selection_table(study));
  page.heading(3, "Sparsity by layer at each level");
  page.sentences(evenness_findings(study));
  page.images(charts.sparsity);
  page.table(layer_sparsity_table(study));
  if (!options.keep_models) return;
  std::string links;
  for (std::size_t i = 0; i < study.levels.size(); ++i)
    links +=
        fmt::format("{}[{}]({})", i == 0 ? "" : ", ", level_title(study.plan.levels[i].amount), level_path(study, i));
  page.block("Pruned checkpoints: " + links + ".");
}

void add_tasks(Page& page, const Study& study, const ModelCharts& charts) {
  if (study.tasks.empty()) return;
  page.heading(3, "Cost: what pruning does to the scores");
  std::vector<std::string> left_out;
  std::size_t chart = 0;
  for (const TaskCurve& curve : study.tasks) {
    const std::string task(task_name(curve.results.task));
    if (!curve.unsuitable.empty()) {
      left_out.push_back(fmt::format("{} ({})", task, markdown_escape(curve.unsuitable)));
      continue;
    }
    const Evaluation& dense = curve.results.rows.front().evaluation;
    page.heading(4, fmt::format("{} on {}", task, curve.results.data));
    page.sentences({fmt::format("{}, {} scored.", plural(dense.items, item_name(curve.results.task)),
                                plural(dense.tokens, "token"))});
    page.image(charts.tasks[chart++]);
    page.sentences(task_findings(curve, study.plan));
    page.table(task_table(curve, study.plan));
    page.list(dense.notes);
  }
  if (!left_out.empty())
    page.sentences({fmt::format("Not scored, since it makes no sense for this model: {}.", enumeration(left_out))});
}

void add_patterns(Page& page, const Study& study) {
  if (study.patterns.empty()) return;
  page.heading(3, "Patterns at equal sparsity");
  page.sentences(pattern_findings(study));
  page.table(pattern_table(study));
}

void add_gains(Page& page, const Study& study, const ModelCharts& charts) {
  if (!study.bench_left_out.empty()) {
    page.heading(3, "Size and run time");
    page.sentences({fmt::format("Not measured: {}.", markdown_escape(study.bench_left_out))});
  }
  if (!study.bench) return;
  const BenchResult& bench = *study.bench;
  if (has_sizes(bench)) {
    page.heading(3, "Size: what packing saves");
    page.images(charts.sizes);
    page.sentences(escaped_all(size_findings(bench)));
    page.table(sizes_table(bench));
    page.folded("Loading, from the page cache to the first result", load_table(bench));
  }
  page.heading(3, "Run time: what sparse kernels save");
  page.images(charts.speed);
  page.sentences(escaped_all(speed_findings(bench)));
  page.heading(4, many_title(bench));
  page.table(many_table(bench));
  if (bench.decodes) {
    page.heading(4, fmt::format("One token at a time, after {}", bench.context));
    page.table(step_table(bench));
    page.folded("How long one token takes", latency_table(bench));
  }
  page.list(escaped_all(bench_remarks(bench)));
  if (charts.trade_offs.empty()) return;
  page.heading(3, "Quality against speed-up and size");
  std::size_t chart = 0;
  for (const TaskCurve& curve : study.tasks) {
    if (!curve.unsuitable.empty()) continue;
    page.image(charts.trade_offs[chart++]);
    page.sentences(escaped_all(trade_off_findings(curve, study.plan, bench)));
  }
}

void add_model(Page& page, const Study& study, const ModelCharts& charts, const ReportOptions& options) {
  page.heading(2, study.inspection.title);
  const std::vector<std::string> remarks = model_remarks(*study.model, study.inspection.left_out);
  page.list(escaped_all(remarks));
  add_shares(page, study, charts);
  add_pruning(page, study, charts, options);
  add_tasks(page, study, charts);
  add_patterns(page, study);
  add_gains(page, study, charts);
}

}  // namespace

std::string level_path(const Study& study, std::size_t level) {
  const std::string& label = study.plan.levels[level].amount.label;
  return fmt::format("models/{}/{}{}", study.slug, label.starts_with("amount-") ? "" : "sparsity-", label);
}

std::string report_markdown(const StudyDocument& document) {
  Page page;
  add_head(page, document);
  add_overview(page, document);
  for (std::size_t i = 0; i < document.studies->size(); ++i)
    add_model(page, (*document.studies)[i], (*document.charts)[i], document.options);
  page.heading(2, "How long it took");
  page.table(steps_table(*document.studies));
  page.sentences({fmt::format("In all, with charts and files: {:.2f} s.", document.seconds)});
  return std::move(page).text();
}

std::string tensors_markdown(const Study& study) {
  Page page;
  page.heading(1, study.inspection.title + ": every tensor");
  page.block(
      fmt::format("Part of the [report](../report.md). The same for programs: [CSV]({}.csv). Zeros after pruning "
                  "are given for the tensors that are pruned.",
                  study.slug));
  page.table(tensors_table(study));
  return std::move(page).text();
}

}  // namespace pare::report
