#include "pare/hub.h"

#include <numeric>

#include "checkpoint/hub_files.h"
#include "checkpoint/weights_survey.h"
#include "hub/download.h"

namespace pare {
namespace {

HubDownload described(const std::string& model, hub::DownloadPlan plan, const checkpoint::WeightsSurvey& survey) {
  HubDownload download{model, std::move(plan.commit), std::move(plan.snapshot), {}, survey.weights()};
  for (hub::ListedFile& file : plan.files) download.files.push_back({std::move(file.name), file.size, file.is_cached});
  return download;
}

}  // namespace

std::uint64_t HubWeights::count() const noexcept {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

std::uint64_t HubDownload::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const HubFile& file : files) sum += file.bytes;
  return sum;
}

std::uint64_t HubDownload::missing() const noexcept {
  std::uint64_t sum = 0;
  for (const HubFile& file : files)
    if (!file.cached) sum += file.bytes;
  return sum;
}

HubDownload download(const std::string& model, const Context& context) {
  checkpoint::WeightsSurvey survey(model);
  hub::DownloadPlan plan = hub::download_model(model, checkpoint::hub_file_rules(model, survey), context);
  for (const hub::ListedFile& file : plan.files)  // those too small to be looked at before
    survey.add(file, [&](std::uint64_t begin, std::uint64_t end) {
      return hub::read_part(plan.snapshot / file.name, begin, end);
    });
  return described(model, std::move(plan), survey);
}

HubDownload plan_download(const std::string& model, const Context& context) {
  checkpoint::WeightsSurvey survey(model);
  hub::DownloadPlan plan = hub::plan_download(model, checkpoint::hub_file_rules(model, survey), context);
  return described(model, std::move(plan), survey);
}

}  // namespace pare
