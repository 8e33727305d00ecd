#include "calibrate/rank_sums.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/collective.h"
#include "pare/error.h"

namespace pare::calibrate {
namespace {

/// Numbers of a sum of products that are sent at once: 8 MiB.
constexpr std::size_t kNumbersAtOnce = std::size_t{1} << 20;

/// The linears of some inputs, without what they read.
struct Outline {
  std::vector<std::string> linears;
  std::uint64_t in = 0;
  bool products = false;
};

std::vector<std::byte> coded(const std::vector<Outline>& outlines) {
  base::ByteWriter writer;
  writer.u64(outlines.size());
  for (const Outline& outline : outlines) {
    writer.u64(outline.in);
    writer.u8(outline.products ? 1 : 0);
    writer.u64(outline.linears.size());
    for (const std::string& name : outline.linears) writer.text(name);
  }
  return std::move(writer.bytes());
}

std::vector<Outline> decoded(std::span<const std::byte> message) {
  const std::filesystem::path none;
  base::ByteReader reader(message, none, "message between processes");
  std::vector<Outline> outlines(reader.items(17));
  for (Outline& outline : outlines) {
    outline.in = reader.u64();
    outline.products = reader.u8() != 0;
    for (std::size_t left = reader.items(8); left != 0; --left) outline.linears.push_back(reader.text());
  }
  return outlines;
}

/// Linears that share inputs on every rank that has seen them, in the order of the first rank that has.
std::vector<Outline> merged(const std::vector<std::vector<Outline>>& ranks) {
  constexpr std::size_t kNotSeen = SIZE_MAX;
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::size_t>> places;  // of each linear: its inputs' index on each rank
  std::map<std::string, const Outline*> first;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank)
    for (std::size_t i = 0; i < ranks[rank].size(); ++i)
      for (const std::string& name : ranks[rank][i].linears) {
        const auto [place, fresh] = places.try_emplace(name, ranks.size(), kNotSeen);
        if (fresh) names.push_back(name);
        place->second[rank] = i;
        const Outline& known = *first.try_emplace(name, &ranks[rank][i]).first->second;
        if (known.in != ranks[rank][i].in || known.products != ranks[rank][i].products)
          throw Error(ErrorCode::kMismatch, {}, name, "does not read the same on all ranks");
      }
  std::vector<Outline> all;
  std::map<std::vector<std::size_t>, std::size_t> index;
  for (const std::string& name : names) {
    const auto [found, fresh] = index.try_emplace(places.at(name), all.size());
    if (fresh) all.push_back({{}, first.at(name)->in, first.at(name)->products});
    all[found->second].linears.push_back(name);
  }
  return all;
}

/// The same on every rank.
std::vector<Outline> outlines_of(const std::vector<SharedInputs>& gathered, const Context& context) {
  std::vector<Outline> own;
  for (const SharedInputs& shared : gathered) own.push_back({shared.linears, shared.in, shared.products.size() != 0});
  std::vector<std::vector<Outline>> ranks;
  for (const std::vector<std::byte>& message : base::gather(coded(own), context)) ranks.push_back(decoded(message));
  std::vector<std::byte> message = coded(merged(ranks));
  base::broadcast(message, context);
  return decoded(message);
}

/// Factorizing the products and fitting the weights take about so many multiply-adds, of a matrix whose outputs are as
/// many as its inputs.
std::vector<unsigned> owners_of(const std::vector<Outline>& outlines, const Context& context) {
  std::vector<std::uint64_t> work;
  for (const Outline& outline : outlines)
    work.push_back(outline.in * outline.in * outline.in * (1 + outline.linears.size()));
  return base::share_out(work, base::group_size(context));
}

/// Adds up what is on and above the diagonal of `own`, which may be null, in `sums`, which is null but on the owner.
void add_up_products(const double* own, double* sums, std::size_t n, unsigned owner, const Context& context) {
  std::vector<double> numbers;
  for (std::size_t begin = 0; begin < n;) {
    std::size_t end = begin, count = 0;
    for (; end < n && (end == begin || count + n - end <= kNumbersAtOnce); ++end) count += n - end;
    numbers.assign(count, 0.0);
    double* at = numbers.data();
    for (std::size_t row = begin; row < end && own != nullptr; at += n - row++)
      std::copy_n(own + row * n + row, n - row, at);
    base::reduce(numbers, owner, context);
    at = numbers.data();
    for (std::size_t row = begin; row < end && sums != nullptr; at += n - row++)
      std::copy_n(at, n - row, sums + row * n + row);
    begin = end;
  }
}

/// `own`: what this rank has gathered; null if it has seen none of the linears.
SharedInputs sum_of(const SharedInputs* own, const Outline& outline, unsigned owner, const Context& context) {
  const bool owns = owner == base::group_rank(context);
  SharedInputs sum;
  sum.linears = outline.linears;
  sum.in = static_cast<std::size_t>(outline.in);
  sum.squares.resize(sum.in);
  if (own != nullptr) sum.squares = own->squares;
  // The number of tokens is exact as a double.
  sum.squares.push_back(own == nullptr ? 0 : static_cast<double>(own->tokens));
  base::reduce(sum.squares, owner, context);
  sum.tokens = static_cast<std::uint64_t>(sum.squares.back());
  sum.squares.pop_back();
  if (!outline.products) return sum;
  if (owns) {
    sum.products = base::AlignedBuffer<double>(sum.in * sum.in);
    std::fill_n(sum.products.data(), sum.in * sum.in, 0.0);
  }
  add_up_products(own == nullptr ? nullptr : own->products.data(), owns ? sum.products.data() : nullptr, sum.in, owner,
                  context);
  return sum;
}

}  // namespace

std::vector<OwnedInputs> add_up_ranks(std::vector<SharedInputs> gathered, const Context& context) {
  std::vector<OwnedInputs> all;
  if (base::group_size(context) == 1) {
    for (SharedInputs& shared : gathered) all.push_back({std::move(shared), base::group_rank(context)});
    return all;
  }
  const std::vector<Outline> outlines = outlines_of(gathered, context);
  const std::vector<unsigned> owners = owners_of(outlines, context);
  std::map<std::string, std::size_t> place;  // of a linear's inputs in `gathered`
  std::vector<std::size_t> uses(gathered.size());
  for (std::size_t i = 0; i < gathered.size(); ++i)
    for (const std::string& name : gathered[i].linears) place.emplace(name, i);
  for (const Outline& outline : outlines)
    if (const auto found = place.find(outline.linears.front()); found != place.end()) ++uses[found->second];
  for (std::size_t i = 0; i < outlines.size(); ++i) {
    const auto found = place.find(outlines[i].linears.front());
    SharedInputs* own = found == place.end() ? nullptr : &gathered[found->second];
    all.push_back({sum_of(own, outlines[i], owners[i], context), owners[i]});
    if (own != nullptr && --uses[found->second] == 0) own->products = {};  // as large as a layer's weights
  }
  return all;
}

std::vector<SharedInputs> squares_of_ranks(std::vector<SharedInputs> gathered, const Context& context) {
  std::vector<SharedInputs> all;
  for (OwnedInputs& owned : add_up_ranks(std::move(gathered), context)) {
    base::broadcast(std::span<double>(owned.inputs.squares), owned.owner, context);
    all.push_back(std::move(owned.inputs));
  }
  return all;
}

}  // namespace pare::calibrate
