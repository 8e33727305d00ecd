#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json.h"
#include "base/json_text.h"
#include "base/output.h"
#include "base/parallel.h"
#include "base/system_error.h"
#include "kernels/targets.h"
#include "linear/kernel_cost_json.h"
#include "pare/error.h"
#include "pare/tune.h"

namespace pare {
namespace {

using Json = nlohmann::json;

/// Increased whenever kernels change so much that old figures are misleading.
constexpr int kVersion = 7;

Json json_of(const KernelCosts& costs) {
  return {{"target", costs.target},
          {"threads", costs.threads},
          {"points", linear::json_of<Json>(costs.points)},
          {"cached_points", linear::json_of<Json>(costs.cached_points)},
          {"half_points", linear::json_of<Json>(costs.half_points)},
          {"cached_half_points", linear::json_of<Json>(costs.cached_half_points)}};
}

std::vector<KernelCost> points_of(const base::JsonValue& list) {
  std::vector<KernelCost> points;
  list.for_elements([&](const base::JsonValue& p) {
    points.push_back({p.at("tokens").unsigned_integer(), p.at("dense_weight").number(), p.at("sliced_nonzero").number(),
                      p.at("sliced_edge").number(), p.at("masked_nonzero").number(), p.at("masked_weight").number()});
  });
  return points;
}

KernelCosts costs_of(const base::JsonValue& entry) {
  KernelCosts costs;
  costs.target = entry.at("target").text();
  costs.threads = static_cast<unsigned>(entry.at("threads").token_id());
  costs.measured = true;
  costs.points = points_of(entry.at("points"));
  costs.cached_points = points_of(entry.at("cached_points"));
  costs.half_points = points_of(entry.at("half_points"));
  costs.cached_half_points = points_of(entry.at("cached_half_points"));
  return costs;
}

/// The entries of the file. There are none if the file is missing, damaged or of another version, because they can be
/// measured again. Throws Error for a file that cannot be read.
std::vector<KernelCosts> kept() {
  std::vector<KernelCosts> all;
  const std::filesystem::path path = kernel_costs_path();
  if (path.empty() || !base::is_there(path)) return all;
  try {
    const base::JsonFile file(path);
    if (file.root().at("version").integer() != kVersion) return all;
    file.root().at("costs").for_elements([&](const base::JsonValue& entry) { all.push_back(costs_of(entry)); });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed && error.code() != ErrorCode::kLimit) throw;
    all.clear();
  }
  return all;
}

}  // namespace

std::filesystem::path kernel_costs_path() {
  const auto under = [](const char* variable, const char* more) -> std::filesystem::path {
    const char* value = std::getenv(variable);
    return value == nullptr || *value == '\0' ? std::filesystem::path() : std::filesystem::path(value) / more;
  };
  const std::filesystem::path path = under("XDG_CACHE_HOME", "pare/kernel-costs.json");
  return path.empty() ? under("HOME", ".cache/pare/kernel-costs.json") : path;
}

std::optional<KernelCosts> kept_kernel_costs(const Context& context) {
  const std::string target = kernels::current_target();
  std::vector<KernelCosts> all;
  try {
    all = kept();
  } catch (const Error&) {  // the home directory may belong to another user; the standard costs will do
  }
  for (KernelCosts& costs : all)
    if (costs.target == target && costs.threads == base::thread_count(context) && !costs.points.empty())
      return std::move(costs);
  return std::nullopt;
}

void keep_kernel_costs(const KernelCosts& costs) {
  const std::filesystem::path path = kernel_costs_path();
  if (path.empty())
    throw Error(ErrorCode::kUnavailable, "cannot save the measured costs: neither XDG_CACHE_HOME nor HOME is set");
  Json entries = Json::array();
  for (const KernelCosts& other : kept())
    if (other.target != costs.target || other.threads != costs.threads) entries.push_back(json_of(other));
  entries.push_back(json_of(costs));
  std::error_code failure;
  std::filesystem::create_directories(path.parent_path(), failure);
  if (failure) throw Error(base::code_of(failure), path.parent_path(), "cannot be made: " + failure.message());
  base::write_file(path, base::indented_text(Json{{"version", kVersion}, {"costs", std::move(entries)}}),
                   base::Publish::kReplace);
}

}  // namespace pare
