#include "kernels/targets.h"

#include <hwy/targets.h>

#include <cstdlib>
#include <mutex>

#include "kernels/magnitude.h"
#include "pare/error.h"

namespace pare::kernels {

std::vector<std::string> supported_targets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

bool force_target(const std::string& name) {
  if (name.empty()) {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return true;
  }
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name != hwy::TargetName(target)) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return true;
  }
  return false;
}

void apply_target_from_environment() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char* name = std::getenv("PARE_TARGET");
    if (name == nullptr || force_target(name)) return;
    std::string known;
    for (const std::string& target : supported_targets()) known += (known.empty() ? "" : ", ") + target;
    throw Error("PARE_TARGET: this machine cannot run '" + std::string(name) + "' (it can run " + known + ")");
  });
}

std::string current_target() { return dispatched_target(); }

}  // namespace pare::kernels
