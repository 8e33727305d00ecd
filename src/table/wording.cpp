#include "table/wording.h"

#include <fmt/format.h>

#include "pare/table.h"

namespace pare::table {

std::string enumeration(const std::vector<std::string>& items, std::size_t most) {
  std::string text;
  const std::size_t shown = items.size() <= most || items.size() - 1 == most ? items.size() : most;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i != 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  if (shown < items.size()) text += fmt::format(" and {} more", items.size() - shown);
  return text;
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count_text(count), noun, count == 1 ? "" : "s");
}

}  // namespace pare::table
