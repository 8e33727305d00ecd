#include "pare/error.h"
#include "pare/run.h"

namespace pare {

void TokenBatch::add(std::span<const TokenId> sequence, std::span<const TokenId> types) {
  if (!types.empty() && types.size() != sequence.size())
    throw Error(ErrorCode::kArgument, "as many token types as tokens are needed");
  ids_.insert(ids_.end(), sequence.begin(), sequence.end());
  types_.insert(types_.end(), types.begin(), types.end());
  types_.resize(ids_.size(), 0);
  starts_.push_back(ids_.size());
}

}  // namespace pare
