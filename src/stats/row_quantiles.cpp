#include "stats/row_quantiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>

#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/pick_leading.h"
#include "pare/error.h"
#include "stats/rank.h"
#include "stats/tensor_pieces.h"

namespace pare::stats {
namespace {

constexpr std::uint32_t kBins = 1U << 15;            // leading bits of an F32 magnitude
constexpr std::size_t kLows = 1U << 16;              // values of the other bits
constexpr std::uint64_t kListed = 1U << 17;          // up to this many elements are listed, more are counted
constexpr std::uint64_t kBatchBytes = 128ULL << 20;  // memory for candidates at a time
constexpr std::size_t kBlock = 4096;
constexpr std::size_t kComparedBins = 24;  // comparing with each of more bins takes longer than to look each up

/// The elements of one bin of one row, by the low bits that the sketch does not store.
struct Candidates {
  std::size_t row = 0;
  std::uint32_t bin = 0;
  std::uint64_t elements = 0;
  std::vector<std::uint16_t> list = {};   ///< low bits, if there are few elements
  std::vector<std::uint64_t> table = {};  ///< counts by low bits, if there are many
  std::uint64_t ordered = 0;              ///< so many of the list are known to be the smallest

  std::uint64_t bytes() const { return elements <= kListed ? elements * sizeof(std::uint16_t) : kLows * 8; }
  void prepare() {
    if (elements <= kListed)
      list.reserve(elements);
    else
      table.assign(kLows, 0);
  }
  void add(std::uint16_t low, std::uint64_t count) {
    if (elements <= kListed)
      list.insert(list.end(), count, low);
    else
      table[low] += count;
  }
  /// The low bits at a 0-based position of the rising order. Throws Error if the elements are not those that the
  /// sketch counted.
  std::uint64_t at(std::uint64_t position) {
    const std::uint64_t found =
        elements <= kListed ? list.size() : std::accumulate(table.begin(), table.end(), std::uint64_t{0});
    if (found != elements)
      throw Error(ErrorCode::kMismatch,
                  fmt::format("the weights differ from those that were measured (expected {} of one "
                              "magnitude, found {})",
                              elements, found));
    if (elements <= kListed) {
      const auto nth = list.begin() + static_cast<std::ptrdiff_t>(position);
      std::nth_element(list.begin() + static_cast<std::ptrdiff_t>(position < ordered ? 0 : ordered), nth, list.end());
      ordered = position;
      return *nth;
    }
    std::uint64_t low = 0;
    while (position >= table[low]) position -= table[low++];
    return low;
  }
};

/// An order statistic with a known bin.
struct Sought {
  std::size_t candidates;  ///< index
  std::uint64_t position;  ///< within the bin
  std::uint64_t rank = 0;  ///< the result
};

/// Interpolates as numpy and torch.lerp do, from the nearer end.
double interpolate(double low, double high, double weight) {
  if (low == high) return low;  // also two infinities
  const double difference = high - low;
  return weight < 0.5 ? low + difference * weight : high - difference * (1 - weight);
}

/// The two neighbors of each quantile.
std::vector<std::uint64_t> positions_of(std::span<const double> p, std::uint64_t numbers) {
  std::vector<std::uint64_t> positions;
  for (const double fraction : p) {
    const auto below = static_cast<std::uint64_t>(fraction * static_cast<double>(numbers - 1));
    positions.push_back(std::min(below, numbers - 1));
    positions.push_back(std::min(below + 1, numbers - 1));
  }
  return positions;
}

/// The patterns whose leading bits have a slot; returns their number.
std::size_t look_up(const std::byte* data, std::size_t n, std::span<const std::uint16_t> slot_of,
                    std::uint32_t* found) {
  std::size_t hits = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t pattern;
    std::memcpy(&pattern, data + i * 4, sizeof pattern);
    found[hits] = pattern;
    hits += slot_of[(pattern >> 16) & (kBins - 1)] != 0 ? 1 : 0;  // no branch: hits come at random
  }
  return hits;
}

class RowQuantiles {
 public:
  RowQuantiles(std::span<const TensorView> tensors, std::span<const Sketch> sketches, std::span<const QuantileRow> rows,
               const Context& context)
      : tensors_(tensors), sketches_(sketches), rows_(rows), context_(context) {}

  /// Finds the bins of a row's positions.
  std::vector<Sought> seek(std::size_t row, std::span<const std::uint64_t> positions) {
    const std::vector<Count> counts = counts_of(row);
    std::vector<Sought> sought;
    std::map<std::uint32_t, std::size_t> known;
    for (std::uint64_t position : positions) {
      auto count = counts.begin();
      while (position >= count->elements) position -= count++->elements;
      const auto [entry, fresh] = known.emplace(count->bin, candidates_.size());
      if (fresh) candidates_.push_back({row, count->bin, count->elements});
      sought.push_back({entry->second, position});
    }
    return sought;
  }

  /// Completes the searches, reading the tensors once for each batch of candidates.
  void resolve(std::span<Sought> sought) {
    std::vector<std::vector<std::size_t>> wanted_by(candidates_.size());
    for (std::size_t i = 0; i < sought.size(); ++i) wanted_by[sought[i].candidates].push_back(i);
    for (std::size_t begin = 0, end = 0; begin < candidates_.size(); begin = end) {
      std::uint64_t bytes = 0;
      do bytes += candidates_[end++].bytes();
      while (end < candidates_.size() && bytes + candidates_[end].bytes() <= kBatchBytes);
      collect(begin, end);
      for (std::size_t i = begin; i < end; ++i) {
        for (const std::size_t one : wanted_by[i])
          sought[one].rank =
              (static_cast<std::uint64_t>(candidates_[i].bin) << 16) | candidates_[i].at(sought[one].position);
        candidates_[i].list = {};
        candidates_[i].table = {};
      }
    }
  }

  double value(std::uint64_t rank) const { return space_.value(rank); }

 private:
  struct Count {
    std::uint32_t bin;
    std::uint64_t elements;
  };

  /// Elements of a row by bin, rising. A model can have a million rows of a few elements, for which a table of all bins
  /// would be too large.
  std::vector<Count> counts_of(std::size_t row) const {
    std::size_t bins = 0;
    for (const std::size_t tensor : rows_[row].tensors) bins += sketches_[tensor].bins().size();
    std::vector<Count> counts;
    if (bins < kBins / 8) {
      for (const std::size_t tensor : rows_[row].tensors)
        for (const Sketch::Bin& bin : sketches_[tensor].bins())
          counts.push_back({first_digit(tensor, bin), bin.positive + bin.negative});
      std::sort(counts.begin(), counts.end(), [](const Count& a, const Count& b) { return a.bin < b.bin; });
      return counts_by_bin(counts);
    }
    std::vector<std::uint64_t> table(kBins, 0);
    for (const std::size_t tensor : rows_[row].tensors)
      for (const Sketch::Bin& bin : sketches_[tensor].bins())
        table[first_digit(tensor, bin)] += bin.positive + bin.negative;
    for (std::uint32_t bin = 0; bin < kBins; ++bin)
      if (table[bin] != 0) counts.push_back({bin, table[bin]});
    return counts;
  }

  /// One entry for each bin.
  static std::vector<Count> counts_by_bin(const std::vector<Count>& sorted) {
    std::vector<Count> counts;
    for (const Count& count : sorted) {
      if (counts.empty() || counts.back().bin != count.bin)
        counts.push_back(count);
      else
        counts.back().elements += count.elements;
    }
    return counts;
  }

  std::uint32_t first_digit(std::size_t tensor, const Sketch::Bin& bin) const {
    if (tensors_[tensor].dtype == DType::kF32) return bin.key;
    return static_cast<std::uint32_t>(space_.to_rank(tensors_[tensor].dtype, bin.key) >> 16);
  }

  void collect(std::size_t begin, std::size_t end) {
    std::vector<std::vector<std::size_t>> wanted(tensors_.size());
    for (std::size_t i = begin; i < end; ++i) {
      candidates_[i].prepare();
      for (const std::size_t tensor : rows_[candidates_[i].row].tensors) wanted[tensor].push_back(i);
    }
    std::vector<TensorView> read(tensors_.begin(), tensors_.end());
    for (std::size_t tensor = 0; tensor < tensors_.size(); ++tensor) {
      if (tensors_[tensor].dtype == DType::kF32 && !wanted[tensor].empty()) continue;
      add_exact(tensor, wanted[tensor]);
      read[tensor].shape = {0};
    }
    const std::vector<Piece> pieces = cut_into_pieces(read);
    std::vector<std::vector<std::uint16_t>> slots(base::thread_count(context_));
    base::parallel_for(pieces.size(), context_, [&](std::size_t item, unsigned worker) {
      if (slots[worker].empty()) slots[worker].assign(kBins, 0);
      collect_piece(pieces[item], wanted[pieces[item].tensor], slots[worker]);
    });
  }

  /// For a dtype with exact sketches, the tensor need not be read.
  void add_exact(std::size_t tensor, std::span<const std::size_t> wanted) {
    for (const std::size_t i : wanted)
      for (const Sketch::Bin& bin : sketches_[tensor].bins()) {
        const std::uint64_t rank = space_.to_rank(tensors_[tensor].dtype, bin.key);
        if (rank >> 16 == candidates_[i].bin)
          candidates_[i].add(static_cast<std::uint16_t>(rank & 0xffffU), bin.positive + bin.negative);
      }
  }

  void collect_piece(const Piece& piece, std::span<const std::size_t> wanted, std::vector<std::uint16_t>& slot_of) {
    std::vector<std::uint32_t> bins;
    for (const std::size_t i : wanted) bins.push_back(candidates_[i].bin);
    std::sort(bins.begin(), bins.end());
    bins.erase(std::unique(bins.begin(), bins.end()), bins.end());
    for (std::size_t slot = 0; slot < bins.size(); ++slot) slot_of[bins[slot]] = static_cast<std::uint16_t>(slot + 1);
    std::vector<std::vector<std::uint16_t>> lows(bins.size());
    const checkpoint::TensorPiece values(tensors_[piece.tensor].bytes, piece.begin * 4, piece.count * 4);
    const std::byte* data = values.data();
    std::array<std::uint32_t, kBlock + kernels::kPickSlack> found;
    for (std::uint64_t begin = 0; begin < piece.count; begin += kBlock) {
      const std::size_t n = std::min<std::uint64_t>(kBlock, piece.count - begin);
      const std::size_t hits = bins.size() <= kComparedBins
                                   ? kernels::pick_leading(data + begin * 4, n, bins, found.data())
                                   : look_up(data + begin * 4, n, slot_of, found.data());
      for (std::size_t i = 0; i < hits; ++i)
        lows[slot_of[(found[i] >> 16) & (kBins - 1)] - 1U].push_back(static_cast<std::uint16_t>(found[i]));
    }
    for (const std::size_t i : wanted) {
      const std::scoped_lock lock(locks_[i % locks_.size()]);
      for (const std::uint16_t low : lows[slot_of[candidates_[i].bin] - 1U]) candidates_[i].add(low, 1);
    }
    for (const std::uint32_t bin : bins) slot_of[bin] = 0;
  }

  std::span<const TensorView> tensors_;
  std::span<const Sketch> sketches_;
  std::span<const QuantileRow> rows_;
  Context context_;
  RankSpace space_{std::span<const TensorView>()};  ///< F32
  std::vector<Candidates> candidates_;
  std::array<std::mutex, 64> locks_;
};

bool holds_f64(std::span<const TensorView> tensors, const QuantileRow& row) {
  return std::any_of(row.tensors.begin(), row.tensors.end(),
                     [&](std::size_t tensor) { return tensors[tensor].dtype == DType::kF64; });
}

std::vector<double> between(std::span<const double> p, std::uint64_t numbers, std::span<const double> neighbors) {
  std::vector<double> quantiles;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double position = p[i] * static_cast<double>(numbers - 1);
    quantiles.push_back(interpolate(neighbors[2 * i], neighbors[2 * i + 1], position - std::floor(position)));
  }
  return quantiles;
}

std::vector<double> wide_quantiles(std::span<const TensorView> tensors, const QuantileRow& row,
                                   std::span<const double> p, const Context& context) {
  std::vector<TensorView> own;
  for (const std::size_t tensor : row.tensors) own.push_back(tensors[tensor]);
  const RankSpace space(own);
  std::vector<double> neighbors;
  for (const std::uint64_t rank : select_ranks(space, own, positions_of(p, row.numbers), context))
    neighbors.push_back(space.value(rank));
  return between(p, row.numbers, neighbors);
}

}  // namespace

std::vector<std::vector<double>> row_quantiles(std::span<const TensorView> tensors, std::span<const Sketch> sketches,
                                               std::span<const QuantileRow> rows, std::span<const double> p,
                                               const Context& context) {
  std::vector<std::vector<double>> result(rows.size(),
                                          std::vector<double>(p.size(), std::numeric_limits<double>::quiet_NaN()));
  RowQuantiles narrow(tensors, sketches, rows, context);
  std::vector<std::size_t> narrow_rows;
  std::vector<Sought> sought;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].numbers == 0) continue;
    if (holds_f64(tensors, rows[row])) {
      result[row] = wide_quantiles(tensors, rows[row], p, context);
      continue;
    }
    const std::vector<Sought> own = narrow.seek(row, positions_of(p, rows[row].numbers));
    sought.insert(sought.end(), own.begin(), own.end());
    narrow_rows.push_back(row);
  }
  narrow.resolve(sought);
  for (std::size_t i = 0; i < narrow_rows.size(); ++i) {
    std::vector<double> neighbors;
    for (std::size_t j = 0; j < 2 * p.size(); ++j) neighbors.push_back(narrow.value(sought[2 * p.size() * i + j].rank));
    result[narrow_rows[i]] = between(p, rows[narrow_rows[i]].numbers, neighbors);
  }
  return result;
}

}  // namespace pare::stats
