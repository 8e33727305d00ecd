#include "eval/batch_share.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/collective.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

std::vector<std::byte> coded(std::size_t batches, const std::vector<std::vector<double>>& own) {
  base::ByteWriter writer;
  writer.u64(batches);
  for (const std::vector<double>& numbers : own) {
    writer.u64(numbers.size());
    for (const double number : numbers) writer.f64(number);
  }
  return std::move(writer.bytes());
}

}  // namespace

bool BatchShare::takes_next() { return batches_++ % base::group_size(context_) == base::group_rank(context_); }

std::vector<std::vector<double>> BatchShare::all() {
  const unsigned ranks = base::group_size(context_);
  if (ranks == 1) return std::move(own_);
  std::vector<std::vector<std::byte>> messages = base::gather(coded(batches_, own_), context_);
  messages.resize(ranks);
  std::vector<std::vector<double>> all(batches_);
  const std::filesystem::path none;
  for (unsigned rank = 0; rank < ranks; ++rank) {
    base::broadcast(messages[rank], context_);
    base::ByteReader reader(messages[rank], none, "message between processes");
    if (const std::uint64_t found = reader.u64(); found != batches_)
      throw Error(ErrorCode::kMismatch, fmt::format("rank {} has other data or options (expected {} batches, found {})",
                                                    rank, batches_, found));
    for (std::size_t batch = rank; batch < batches_; batch += ranks)
      for (std::uint64_t left = reader.u64(); left != 0; --left) all[batch].push_back(reader.f64());
  }
  return all;
}

}  // namespace pare::eval
