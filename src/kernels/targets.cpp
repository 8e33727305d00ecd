#include "kernels/targets.h"

#include <hwy/targets.h>

#include <atomic>
#include <cstdlib>

#include "base/once.h"
#include "kernels/magnitude.h"
#include "kernels/sparse/masked_words.h"
#include "pare/error.h"

namespace pare::kernels {
namespace {

constexpr const char* kWords = "AVX3_VBMI2";

base::Once chosen;

/// Whether AVX3 is used with the kernel of masked_words.h.
enum class Words { kIfPossible, kForced, kNever };
std::atomic<Words> words = Words::kIfPossible;

bool set_target(const std::string& name) {
  const bool with_words = name == kWords;
  if (with_words && !has_masked_words()) return false;
  const std::string wanted = with_words ? "AVX3" : name;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (wanted != hwy::TargetName(target)) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    words = with_words ? Words::kForced : Words::kNever;
    return true;
  }
  return false;
}

std::vector<std::string> generated_targets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const std::string name = hwy::TargetName(target);
    if (name == "AVX3" && takes_masked_words()) names.emplace_back(kWords);
    if (name != "AVX3" || words != Words::kForced) names.push_back(name);
  }
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
  words = Words::kIfPossible;
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return true;
}

bool takes_masked_words() { return words.load(std::memory_order_relaxed) != Words::kNever && has_masked_words(); }

std::string current_target() {
  const std::string target = dispatched_target();
  return target == "AVX3" && takes_masked_words() ? kWords : target;
}

}  // namespace pare::kernels
