#include "base/shared_directory.h"

#include <span>
#include <system_error>
#include <vector>

#include "base/bytes.h"
#include "base/collective.h"
#include "base/files.h"
#include "pare/error.h"

namespace pare::base {

SharedDirectory::SharedDirectory(const std::filesystem::path& path, bool force, const Context& context, bool keep)
    : context_(context), keep_(keep) {
  if (context_.leads()) {
    own_.emplace(path, force, keep);
    staging_ = own_->staging();
  }
  const std::span<const std::byte> path_bytes = std::as_bytes(std::span(staging_.native()));
  std::vector<std::byte> name(path_bytes.begin(), path_bytes.end());
  broadcast(name, context_);
  staging_ = as_text(name);
}

std::filesystem::path SharedDirectory::make_directory(const std::filesystem::path& relative) const {
  if (own_) own_->make_directory(relative);
  wait_for_all(context_);
  return staging_ / relative;
}

void SharedDirectory::require_visible(const std::filesystem::path& file) const {
  std::error_code failure;
  if (!own_ || std::filesystem::exists(staging_ / file, failure)) return;
  throw Error(ErrorCode::kIo, final_name(staging_ / file),
              "another process has written it, but it is not there: the output must be in a directory that all "
              "processes share");
}

void SharedDirectory::commit() {
  wait_for_all(context_);  // a rank that fails until now keeps the output from appearing
  if (own_) own_->commit();
  wait_for_all(context_);
}

}  // namespace pare::base
