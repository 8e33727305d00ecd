#include "checkpoint/aliases.h"

#include <map>
#include <tuple>

namespace pare::checkpoint {
namespace {

bool is_tied_copy(std::string_view name) {
  for (const char* ending : {"lm_head.weight", "lm_head.bias", "decoder.weight", "decoder.bias", "embed_tokens.weight"})
    if (name.ends_with(ending)) return true;
  return false;
}

}  // namespace

std::vector<bool> find_aliases(const std::vector<TensorView>& tensors) {
  std::map<std::tuple<const std::byte*, DType, std::vector<std::uint64_t>>, std::size_t> keepers;
  std::vector<bool> alias(tensors.size(), false);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].bytes.empty() || tensors[i].bytes.packed() != nullptr || tensors[i].bytes.encoded() != nullptr)
      continue;
    const auto [keeper, first] = keepers.try_emplace({tensors[i].bytes.data(), tensors[i].dtype, tensors[i].shape}, i);
    if (first) continue;
    if (is_tied_copy(tensors[keeper->second].name) && !is_tied_copy(tensors[i].name)) {
      alias[keeper->second] = true;
      keeper->second = i;
    } else {
      alias[i] = true;
    }
  }
  return alias;
}

}  // namespace pare::checkpoint
