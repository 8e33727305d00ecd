// results.json: the content of inspect_json, and the results of pruning.
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "pare/json.h"
#include "report/study_findings.h"
#include "report/study_methods.h"
#include "report/study_patterns.h"
#include "report/study_text.h"
#include "table/bench_tables.h"
#include "table/inspect_tables.h"

namespace pare::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

Json histogram_json(const Histogram& histogram) {
  return {{"low", histogram.low},     {"high", histogram.high},     {"counts", histogram.counts},
          {"below", histogram.below}, {"beyond", histogram.beyond}, {"nan", histogram.nans}};
}

Json layers_json(const Study& study, std::size_t level) {
  Json layers = Json::array();
  for (const LayerSparsity& layer : study.layers) {
    const Share& share = layer.levels[level];
    Json json{{"name", layer.name}};
    if (!layer.stack.empty()) json["stack"] = layer.stack;
    json["layer"] = layer.layer < 0 ? Json() : Json(layer.layer);
    json["pruned_tensors"] = layer.members.size();
    json["weights"] = share.whole;
    json["zeros"] = share.part;
    json["sparsity_percent"] = share.percent();
    layers.push_back(std::move(json));
  }
  return layers;
}

Json tensors_json(const Study& study, std::size_t level) {
  Json tensors = Json::array();
  for (std::size_t i = 0; i < study.pruned.size(); ++i) {
    if (!study.pruned[i]) continue;
    const TensorAfter& after = study.levels[level].tensors[i];
    const std::uint64_t n = study.inspection.tensors[i].stats.count;
    tensors.push_back({{"name", study.inspection.tensors[i].name},
                       {"parameters", n},
                       {"zeros", after.zeros},
                       {"sparsity_percent", Share{after.zeros, n}.percent()},
                       {"share_magnitude_percent", Share{after.above, n}.percent()},
                       {"share_percent", Share{after.big, n}.percent()}});
  }
  return tensors;
}

Json level_json(const Study& study, std::size_t level, bool kept) {
  const LevelPlan& plan = study.plan.levels[level];
  const LevelFigures& figures = study.levels[level];
  const std::uint64_t all = study.inspection.overall.stats.count;
  Json json{{"label", plan.amount.label}, {"title", level_title(plan.amount)}};
  if (plan.amount.count)
    json["count"] = *plan.amount.count;
  else
    json["fraction"] = plan.amount.fraction;
  json["pruned"] = plan.pruned;
  json["threshold"] = plan.threshold ? base::number_or_null(*plan.threshold) : Json();
  json["sparsity_percent"] = study.sparsity(level).percent();
  json["zeros"] = figures.zeros;
  json["model_sparsity_percent"] = Share{figures.zeros, all}.percent();
  json["share_before_percent"] = study.before().percent();
  json["share_after_percent"] = study.after(level).percent();
  json["share_magnitude_after_percent"] = Share{figures.above, all}.percent();
  json["emptied_tensors"] = Json::array();
  for (const std::size_t i : emptied_tensors(study, level))
    json["emptied_tensors"].push_back(study.inspection.tensors[i].name);
  if (kept) json["directory"] = level_path(study, level);
  json["histogram"] = histogram_json(figures.histogram);
  json["pruned_tensors_histogram"] = histogram_json(figures.pruned_histogram);
  json["layers"] = layers_json(study, level);
  json["tensors"] = tensors_json(study, level);
  return json;
}

Json pruning_json(const Study& study, bool kept) {
  const PruneOptions& options = study.plan.options;
  Json names = Json::array(), levels = Json::array();
  for (const std::size_t parameter : study.plan.parameters) names.push_back(study.model->parameters[parameter].name);
  for (std::size_t i = 0; i < study.levels.size(); ++i) levels.push_back(level_json(study, i, kept));
  return {{"criterion", criterion_name(options.criterion)},
          {"pattern", options.pattern.text()},
          {"norm", options.pattern.has_norm() ? Json(norm_name(options.norm)) : Json()},
          {"scope", scope_name(options.scope)},
          {"schedule", schedule_name(options.schedule)},
          {"candidates", study.plan.candidates},
          {"left_alone", study.inspection.overall.stats.count - study.plan.candidates},
          {"tensors", std::move(names)},
          {"levels", std::move(levels)}};
}

Json tasks_json(const Study& study) {
  Json tasks = Json::array();
  for (const TaskCurve& curve : study.tasks) {
    Json task = Json::parse(eval_json(curve.results));
    if (!curve.unsuitable.empty()) task["left_out"] = curve.unsuitable;
    tasks.push_back(std::move(task));
  }
  return tasks;
}

Json charts_json(const ModelCharts& charts) {
  Json json = Json::array();
  for (const ChartFile* chart : {&charts.histogram, &charts.pruned})
    if (chart->failure.empty()) json.push_back("charts/" + chart->name);
  for (const auto* several : {&charts.by_layer, &charts.sparsity, &charts.tasks, &charts.methods, &charts.sizes,
                              &charts.speed, &charts.trade_offs})
    for (const ChartFile& chart : *several)
      if (chart.failure.empty()) json.push_back("charts/" + chart.name);
  return json;
}

}  // namespace

std::string report_json(const StudyDocument& document) {
  const std::vector<Study>& studies = *document.studies;
  Json results{{"schema", kSchema}, {"pare", PARE_VERSION}, {"command", document.options.command}};
  Json models = Json::array();
  for (std::size_t i = 0; i < studies.size(); ++i) {
    const Study& study = studies[i];
    Json inspected = Json::parse(inspect_json({study.model, 1}, {&study.inspection, 1}));
    if (i == 0) {
      results["cutoff"] = inspected["cutoff"];
      results["measure"] = inspected["measure"];
    }
    Json model = std::move(inspected["models"][0]);
    model["slug"] = study.slug;
    model["histogram"] = histogram_json(study.histogram);
    model["pruning"] = pruning_json(study, document.options.keep_models);
    model["charts"] = charts_json((*document.charts)[i]);
    if (!study.tasks.empty()) model["tasks"] = tasks_json(study);
    if (!study.patterns.empty()) model["patterns"] = Json::parse(patterns_json(study));
    if (!document.options.compared_criteria.empty()) model["criteria"] = Json::parse(methods_json(study));
    if (study.bench) model["bench"] = std::move(Json::parse(bench_json({*study.bench}))["results"][0]);
    if (!study.bench_left_out.empty()) model["bench"] = {{"left_out", study.bench_left_out}};
    model["seconds"] = Json::object();
    for (const Step& step : study.steps) model["seconds"][step.name] = step.seconds;
    models.push_back(std::move(model));
  }
  results["models"] = std::move(models);
  results["charts"] = Json::array();
  for (const ChartFile* chart : {&document.shared->cumulative, &document.shared->tail, &document.shared->levels})
    if (chart->failure.empty()) results["charts"].push_back("charts/" + chart->name);
  results["seconds"] = document.seconds;
  return base::indented_text(results);
}

}  // namespace pare::report
