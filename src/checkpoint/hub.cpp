#include "pare/hub.h"

#include "checkpoint/hub_files.h"
#include "hub/download.h"

namespace pare {
namespace {

HubDownload described(const std::string& model, hub::DownloadPlan plan) {
  HubDownload download{model, std::move(plan.commit), std::move(plan.snapshot), {}};
  for (hub::ListedFile& file : plan.files) download.files.push_back({std::move(file.name), file.size, file.is_cached});
  return download;
}

}  // namespace

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
  return described(model, hub::download_model(model, checkpoint::hub_file_rules(model), context));
}

HubDownload plan_download(const std::string& model, const Context& context) {
  return described(model, hub::plan_download(model, checkpoint::hub_file_rules(model), context));
}

}  // namespace pare
