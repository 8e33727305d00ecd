#include "kernels/targets.h"

#include <hwy/targets.h>

#include <cstdlib>

#include "base/once.h"
#include "kernels/magnitude.h"
#include "pare/error.h"

namespace pare::kernels {
namespace {

base::Once chosen;

bool set_target(const std::string& name) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name != hwy::TargetName(target)) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return true;
  }
  return false;
}

std::vector<std::string> generated_targets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

void set_target_from_environment() {
  const char* name = std::getenv("PARE_TARGET");
  if (name == nullptr || *name == '\0' || set_target(name)) return;
  std::string known;
  for (const std::string& target : generated_targets()) known += (known.empty() ? "" : ", ") + target;
  throw Error(ErrorCode::kArgument,
              "PARE_TARGET: this machine cannot run '" + std::string(name) + "' (it can run " + known + ")");
}

}  // namespace

void choose_target() { chosen.run(set_target_from_environment); }

std::vector<std::string> supported_targets() { return generated_targets(); }

bool force_target(const std::string& name) {
  chosen.run([] {});  // from now on PARE_TARGET is ignored
  if (!name.empty()) return set_target(name);
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return true;
}

std::string current_target() { return dispatched_target(); }

}  // namespace pare::kernels
