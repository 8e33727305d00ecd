#include "stats/select_keys.h"

#include <algorithm>
#include <stdexcept>

#include "base/collective.h"

namespace pare::stats {
namespace {

/// The search for one order statistic: the digits found so far, and the position among the elements that share them.
struct Search {
  std::uint64_t prefix = 0;
  std::uint64_t position = 0;
  std::uint64_t sharing = 0;  ///< elements that share the prefix
  std::size_t slot = 0;       ///< of prefix among the distinct prefixes
};

/// The distinct prefixes, rising; sets the slots.
std::vector<std::uint64_t> distinct_prefixes(std::vector<Search>& searches) {
  std::vector<std::uint64_t> prefixes;
  for (const Search& search : searches) prefixes.push_back(search.prefix);
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  for (Search& search : searches)
    search.slot =
        static_cast<std::size_t>(std::lower_bound(prefixes.begin(), prefixes.end(), search.prefix) - prefixes.begin());
  return prefixes;
}

/// Advances each search by one digit, whose counts are given.
void descend(std::vector<Search>& searches, std::span<const DigitCounts> counts) {
  for (Search& search : searches) {
    const DigitCounts& digits = counts[search.slot];
    std::uint64_t digit = 0;
    while (search.position >= digits[digit]) search.position -= digits[digit++];
    search.prefix = (search.prefix << kDigitBits) | digit;
    search.sharing = digits[digit];
  }
}

/// Completes the searches from all keys that share their prefixes.
void complete(std::vector<Search>& searches, std::vector<std::vector<std::uint64_t>> lists) {
  for (Search& search : searches) {
    std::vector<std::uint64_t>& keys = lists[search.slot];
    const auto nth = keys.begin() + static_cast<std::ptrdiff_t>(search.position);
    std::nth_element(keys.begin(), nth, keys.end());
    search.prefix = *nth;
    search.position -= static_cast<std::uint64_t>(
        std::count_if(keys.begin(), nth, [&](std::uint64_t key) { return key < search.prefix; }));
  }
}

/// Adds up the tables of all ranks on rank 0, in one message of each rank.
void reduce(std::vector<DigitCounts>& tables, const Context& context) {
  if (context.group() == nullptr) return;
  std::vector<std::uint64_t> all;
  all.reserve(tables.size() * kDigits);
  for (const DigitCounts& table : tables) all.insert(all.end(), table.begin(), table.end());
  base::reduce(all, context);
  auto from = all.begin();
  for (DigitCounts& table : tables) {
    std::copy_n(from, kDigits, table.begin());
    from += kDigits;
  }
}

/// Gives every rank what rank 0 found.
void share(std::vector<Search>& searches, const Context& context) {
  std::vector<std::uint64_t> numbers;
  for (const Search& search : searches) numbers.insert(numbers.end(), {search.prefix, search.position, search.sharing});
  base::broadcast(numbers, context);
  for (std::size_t i = 0; i < searches.size(); ++i) {
    searches[i].prefix = numbers[3 * i];
    searches[i].position = numbers[3 * i + 1];
    searches[i].sharing = numbers[3 * i + 2];
  }
}

}  // namespace

std::vector<std::vector<std::uint64_t>> KeyCounter::list(unsigned, std::span<const std::uint64_t>) {
  throw std::logic_error("these keys are not listed");
}

std::vector<SelectedKey> select_keys(KeyCounter& keys, unsigned digits, std::uint64_t elements,
                                     std::span<const std::uint64_t> positions, const Context& context) {
  std::vector<Search> searches;
  for (const std::uint64_t position : positions) searches.push_back({0, position, elements, 0});
  for (unsigned digit = 0; digit < digits && !searches.empty(); ++digit) {
    const std::vector<std::uint64_t> prefixes = distinct_prefixes(searches);
    const bool few = std::all_of(searches.begin(), searches.end(),
                                 [&](const Search& search) { return search.sharing <= keys.list_limit(); });
    if (few && context.group() == nullptr) {  // lists stay within a process
      complete(searches, keys.list(digit, prefixes));
      break;
    }
    std::vector<DigitCounts> counts = keys.count(digit, prefixes);
    reduce(counts, context);
    if (context.leads()) descend(searches, counts);
    share(searches, context);
  }
  std::vector<SelectedKey> selected;
  for (const Search& search : searches) selected.push_back({search.prefix, search.position});
  return selected;
}

}  // namespace pare::stats
