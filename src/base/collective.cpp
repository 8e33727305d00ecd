// Sums and broadcasts run along a binomial tree: in step i, ranks that differ in bit i only exchange a message.
#include "base/collective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "pare/error.h"
#include "pare/process_group.h"

namespace pare::base {
namespace {

void write_varint(ByteWriter& writer, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) writer.u8(static_cast<std::uint8_t>(number | 0x80));
  writer.u8(static_cast<std::uint8_t>(number));
}

std::uint64_t read_varint(ByteReader& reader) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = reader.u8();
    number |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return number;
  }
  reader.fail({}, "a number of more than 64 bits");
}

/// Numbers of seven bits to a byte; a zero is followed by the number of further zeros.
std::vector<std::byte> encode(std::span<const std::uint64_t> numbers) {
  ByteWriter writer;
  write_varint(writer, numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    write_varint(writer, numbers[i]);
    if (numbers[i] != 0) continue;
    std::size_t zeros = 0;
    while (i + 1 + zeros < numbers.size() && numbers[i + 1 + zeros] == 0) ++zeros;
    write_varint(writer, zeros);
    i += zeros;
  }
  return std::move(writer.bytes());
}

/// Calls take(index, number) for all numbers but zeros.
template <class Take>
void decode(std::span<const std::byte> bytes, std::size_t expected, const Take& take) {
  const std::filesystem::path none;
  ByteReader reader(bytes, none, "message between processes");
  if (const std::uint64_t count = read_varint(reader); count != expected)
    throw Error(ErrorCode::kMismatch,
                fmt::format("the processes disagree on the model or the options (expected {} counts, found {})",
                            expected, count));
  for (std::size_t i = 0; i < expected; ++i) {
    const std::uint64_t number = read_varint(reader);
    if (number != 0) {
      take(i, number);
      continue;
    }
    const std::uint64_t zeros = read_varint(reader);
    if (zeros >= expected - i) reader.fail({}, "too many zeros");
    i += static_cast<std::size_t>(zeros);
  }
}

/// Throws Error (kMismatch) for a message that does not hold as many numbers.
void require_size(std::span<const std::byte> message, std::span<const double> numbers) {
  if (message.size() != numbers.size_bytes())
    throw Error(ErrorCode::kMismatch,
                fmt::format("the processes disagree on the model or the options (expected {} numbers, found {})",
                            numbers.size(), message.size() / sizeof(double)));
}

}  // namespace

unsigned group_size(const Context& context) noexcept {
  return context.group() == nullptr ? 1 : context.group()->size();
}
unsigned group_rank(const Context& context) noexcept {
  return context.group() == nullptr ? 0 : context.group()->rank();
}

void reduce(std::span<std::uint64_t> numbers, const Context& context) {
  const unsigned size = group_size(context), rank = group_rank(context);
  for (unsigned bit = 1; bit < size; bit <<= 1) {
    if ((rank & bit) != 0) return context.group()->send(rank - bit, encode(numbers), context);
    if (rank + bit >= size) continue;
    decode(context.group()->receive(rank + bit, context), numbers.size(),
           [&](std::size_t i, std::uint64_t number) { numbers[i] += number; });
  }
}

void add_up(std::span<std::uint64_t> numbers, const Context& context) {
  reduce(numbers, context);
  broadcast(numbers, context);
}

void reduce(std::span<double> numbers, unsigned root, const Context& context) {
  const unsigned size = group_size(context), place = (group_rank(context) + size - root) % size;
  const auto rank_at = [&](unsigned other) { return (other + root) % size; };
  for (unsigned bit = 1; bit < size; bit <<= 1) {
    if ((place & bit) != 0) return context.group()->send(rank_at(place - bit), std::as_bytes(numbers), context);
    if (place + bit >= size) continue;
    const std::vector<std::byte> received = context.group()->receive(rank_at(place + bit), context);
    require_size(received, numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      double number = 0;
      std::memcpy(&number, received.data() + i * sizeof(double), sizeof(double));
      numbers[i] += number;
    }
  }
}

void broadcast(std::vector<std::byte>& bytes, unsigned root, const Context& context) {
  const unsigned size = group_size(context), place = (group_rank(context) + size - root) % size;
  const auto rank_at = [&](unsigned other) { return (other + root) % size; };
  unsigned bit = 1;
  while (bit < size && (place & bit) == 0) bit <<= 1;
  if (place != 0) bytes = context.group()->receive(rank_at(place - bit), context);
  while ((bit >>= 1) != 0)
    if (place + bit < size) context.group()->send(rank_at(place + bit), bytes, context);
}

void broadcast(std::span<double> numbers, unsigned root, const Context& context) {
  if (group_size(context) == 1) return;
  const std::span<const std::byte> own = std::as_bytes(numbers);
  std::vector<std::byte> bytes(own.begin(), own.end());
  broadcast(bytes, root, context);
  require_size(bytes, numbers);
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
}

void broadcast(std::span<std::uint64_t> numbers, const Context& context) {
  if (group_size(context) == 1) return;
  std::vector<std::byte> bytes;
  if (group_rank(context) == 0) bytes = encode(numbers);
  broadcast(bytes, context);
  if (group_rank(context) == 0) return;
  std::fill(numbers.begin(), numbers.end(), 0);
  decode(bytes, numbers.size(), [&](std::size_t i, std::uint64_t number) { numbers[i] = number; });
}

std::vector<std::vector<std::byte>> gather(std::vector<std::byte> bytes, const Context& context) {
  std::vector<std::vector<std::byte>> all;
  if (group_rank(context) != 0) {
    context.group()->send(0, bytes, context);
    return all;
  }
  all.push_back(std::move(bytes));
  for (unsigned rank = 1; rank < group_size(context); ++rank) all.push_back(context.group()->receive(rank, context));
  return all;
}

void require_same(std::uint64_t hash, const std::string& source, std::string_view what, const Context& context) {
  ByteWriter writer;
  writer.u64(hash);
  const std::vector<std::vector<std::byte>> hashes = gather(std::move(writer.bytes()), context);
  for (std::size_t rank = 1; rank < hashes.size(); ++rank)
    if (hashes[rank] != hashes[0])
      throw Error(ErrorCode::kMismatch, source, fmt::format("rank {} reads other {} than rank 0", rank, what));
}

std::vector<unsigned> share_out(std::span<const std::uint64_t> sizes, unsigned ranks) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  using Load = std::pair<std::uint64_t, unsigned>;  // bytes so far, rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (unsigned rank = 0; rank < ranks; ++rank) loads.push({0, rank});
  std::vector<unsigned> owners(sizes.size());
  for (const std::size_t item : order) {
    const auto [bytes, rank] = loads.top();
    loads.pop();
    owners[item] = rank;
    loads.push({bytes + sizes[item], rank});
  }
  return owners;
}

void wait_for_all(const Context& context) {
  std::uint64_t nothing = 0;
  add_up({&nothing, 1}, context);
}

}  // namespace pare::base
