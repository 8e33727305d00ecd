#include "pare/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <system_error>
#include <utility>

#include "base/output.h"
#include "base/system_error.h"
#include "pare/error.h"
#include "pare/publish.h"
#include "report/study.h"
#include "report/study_charts.h"
#include "report/study_tables.h"
#include "report/study_text.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using namespace report;

constexpr const char* kMarkerText = "{\n  \"format\": \"pare-report\",\n  \"version\": 1\n}\n";

ReportOptions completed(ReportOptions options) {
  const std::vector<Criterion>& compared = options.compared_criteria;
  if (std::find(compared.begin(), compared.end(), Criterion::kMask) != compared.end())
    throw Error(ErrorCode::kArgument, "the criterion mask has no levels at which it could be compared with others");
  if (const std::optional<Amount> level = options.pattern.level()) options.levels = {*level};
  if (options.levels.empty())
    for (const char* level : {"10", "50", "90", "95", "99"}) options.levels.push_back(Amount::percent(level));
  for (Amount& amount : options.levels)
    if (amount.label.empty())
      amount.label = amount.count ? fmt::format("amount-{}", *amount.count)
                                  : fmt::format("{}", Amount::percent(fmt::format("{}", 100 * amount.fraction)).label);
  return options;
}

void require_titles(const std::vector<Model>& models) {
  if (models.empty()) throw Error(ErrorCode::kArgument, "no model to report on");
  std::set<std::string> titles;
  for (const Model& model : models)
    if (!titles.insert(model.title).second)
      throw Error(ErrorCode::kArgument,
                  "two models are called '" + model.title + "'; give one another title: TITLE=MODEL");
}

/// Reports the progress of the whole: models count by their bytes, charts and files come last.
class Course {
 public:
  Course(const std::vector<Model>& models, const ReportOptions& options, const Context& context) : context_(context) {
    for (const Model& model : models) total_ += weight(model, options);
    total_ *= 1.1;  // the charts
  }
  static double weight(const Model& model, const ReportOptions& options) {
    const double writes = options.keep_models ? static_cast<double>(options.levels.size()) : 0;
    return (1 + writes) * static_cast<double>(model.checkpoint.bytes_on_disk() + 1);
  }
  void tell(const std::string& step) const { context_.report(done_ / total_, step); }
  /// For a step that takes the next `piece` from share `begin` to share `end` of it.
  Context part(double piece, double begin, double end, std::string step) const {
    return context_.part((done_ + begin * piece) / total_, (done_ + end * piece) / total_, std::move(step));
  }
  void add(double piece) { done_ += piece; }

 private:
  const Context& context_;
  double done_ = 0, total_ = 0;
};

void make_directory(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) throw Error(base::code_of(failure), base::final_name(path), "cannot create: " + failure.message());
}

void write_models(Study& study, const fs::path& directory, const ReportOptions& options, const Course& course) {
  const auto start = std::chrono::steady_clock::now();
  const Model& model = *study.model;
  const double measuring = 1 / (1 + static_cast<double>(options.levels.size()));
  // A single level's checkpoint would be written into the directory itself, but in a report its directory is named
  // after the level.
  const bool single = study.plan.levels.size() == 1;
  const fs::path out = directory / (single ? level_path(study, 0) : "models/" + study.slug);
  make_directory(out.parent_path());
  write_pruned(model, study.plan, out, {},
               course.part(Course::weight(model, options), measuring, 1, model.title + ": pruned checkpoints"));
  study.steps.push_back(
      {"write checkpoints", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
}

std::vector<Study> make_studies(const std::vector<Model>& models, const ReportOptions& options,
                                const fs::path& directory, Course& course) {
  std::vector<std::string> titles;
  for (const Model& model : models) titles.push_back(model.title);
  const std::vector<std::string> slugs = file_slugs(titles);
  std::vector<Study> studies;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const double piece = Course::weight(models[i], options);
    const double measuring = options.keep_models ? 1 / (1 + static_cast<double>(options.levels.size())) : 1;
    studies.push_back(
        make_study(models[i], options, course.part(piece, 0, measuring, models[i].title + ": measuring")));
    studies.back().slug = slugs[i];
    if (options.keep_models) write_models(studies.back(), directory, options, course);
    course.add(piece);
  }
  return studies;
}

std::vector<ChartFile*> all_charts(std::vector<ModelCharts>& charts, SharedCharts& shared) {
  std::vector<ChartFile*> all{&shared.cumulative, &shared.tail, &shared.levels};
  for (ModelCharts& of_model : charts) {
    all.insert(all.end(), {&of_model.histogram, &of_model.pruned});
    for (auto* several : {&of_model.by_layer, &of_model.sparsity, &of_model.tasks, &of_model.methods, &of_model.sizes,
                          &of_model.speed, &of_model.trade_offs})
      for (ChartFile& chart : *several) all.push_back(&chart);
  }
  return all;
}

}  // namespace

fs::path write_report(const std::vector<Model>& models, const fs::path& out, const ReportOptions& given,
                      const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  const ReportOptions options = completed(given);
  require_titles(models);
  for (const Model& model : models) check_output_apart(out, model);
  base::OutputDirectory output(out, options.force);
  const fs::path& directory = output.staging();
  Course course(models, options, context);
  const std::vector<Study> studies = make_studies(models, options, directory, course);

  std::vector<ModelCharts> charts;
  for (const Study& study : studies) charts.push_back(model_charts(study));
  SharedCharts shared = shared_charts(studies);
  course.tell("charts");
  make_directory(directory / "charts");
  draw_charts(all_charts(charts, shared), directory / "charts", context.with_progress({}));

  make_directory(directory / "tables");
  for (const Study& study : studies) {
    base::write_file(directory / "tables" / (study.slug + ".md"), tensors_markdown(study), base::Publish::kStaged);
    base::write_file(directory / "tables" / (study.slug + ".csv"), to_csv(tensors_csv_table(study)),
                     base::Publish::kStaged);
  }
  StudyDocument document{&studies, &charts, &shared, options};
  document.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  base::write_file(directory / "results.json", report_json(document), base::Publish::kStaged);
  base::write_file(directory / kOutputMarker, kMarkerText, base::Publish::kStaged);
  base::write_file(directory / "report.md", report_markdown(document), base::Publish::kStaged);
  base::write_file(directory / "report.html", report_html(document), base::Publish::kStaged);
  for (const Model& model : models) model.checkpoint.require_unchanged();
  output.commit();
  context.report(1, "done");
  return out / "report.md";
}

}  // namespace pare
