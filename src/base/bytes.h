// Bytes seen as text.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace pare::base {

using Bytes = std::span<const std::byte>;

/// The same bytes; nothing is copied or checked.
inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace pare::base
