#include "pare/context.h"

#include <cmath>
#include <utility>

#include "pare/process_group.h"

namespace pare {
namespace {

static_assert(std::atomic<bool>::is_always_lock_free, "Context::stop() is called from signal handlers");

std::shared_ptr<const ProgressFunction> shared(ProgressFunction progress) {
  return progress ? std::make_shared<const ProgressFunction>(std::move(progress)) : nullptr;
}

}  // namespace

Context::Context(unsigned threads, ProgressFunction progress)
    : stopped_(std::make_shared<std::atomic<bool>>(false)), progress_(shared(std::move(progress))), threads_(threads) {}

Context Context::with_threads(unsigned threads) const {
  Context context = *this;
  context.threads_ = threads;
  return context;
}

Context Context::with_progress(ProgressFunction progress) const {
  Context context = *this;
  context.progress_ = shared(std::move(progress));
  return context;
}

Context Context::with_group(std::shared_ptr<ProcessGroup> group) const {
  Context context = *this;
  context.group_ = std::move(group);
  return context;
}

bool Context::leads() const noexcept { return group_ == nullptr || group_->rank() == 0; }

Context Context::part(double begin, double end, std::string step) const {
  if (!reports()) return *this;
  return with_progress([whole = progress_, begin, end, name = std::move(step)](const Progress& progress) {
    (*whole)({name.empty() ? progress.step : std::string_view(name), std::lerp(begin, end, progress.fraction), 0});
  });
}

void Context::report_bytes(std::uint64_t done, std::uint64_t total) const {
  if (reports()) report(total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total), {}, done);
}

}  // namespace pare
