#include "pare/measure.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/collective.h"
#include "pare/error.h"
#include "stats/content.h"
#include "stats/outliers.h"
#include "stats/partition.h"
#include "stats/scan_pieces.h"
#include "stats/selection.h"

namespace pare {
namespace {

using stats::PartOfSelection;
using stats::Piece;
using stats::Selection;

/// Sums of a tensor whose pieces have all been measured.
void add_up(MeasuredTensor& tensor) {
  for (const PieceSums& piece : tensor.pieces) {
    tensor.stats.sum += piece.sum;
    tensor.stats.sum_of_squares += piece.sum_of_squares;
  }
  tensor.pieces = {};
}

std::uint64_t elements_of(const MeasuredTensor& tensor) {
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : tensor.shape) elements *= extent;
  return elements;
}

Measurement measure_part(const Model& model, const InspectOptions& options, const Selection& selection,
                         const PartOfSelection& part, const Context& context) {
  Measurement measurement;
  measurement.content = stats::content_hash(model);
  measurement.cutoffs = stats::cutoffs_of(options);
  measurement.largest_wanted = options.largest;
  measurement.sketches = !options.quantiles.empty();
  // Figures take memory for the tensors of the part only.
  const bool whole = part.tensors.size() == selection.tensors.size();
  std::vector<TensorView> own;
  std::vector<std::size_t> place(selection.tensors.size());
  for (std::size_t i = 0; i < part.tensors.size(); ++i) {
    place[part.tensors[i]] = i;
    if (!whole) own.push_back(selection.tensors[part.tensors[i]]);
  }
  const std::span<const TensorView> tensors(whole ? selection.tensors : own);
  std::vector<Piece> pieces = part.pieces;
  for (Piece& piece : pieces) piece.tensor = place[piece.tensor];
  stats::PieceScan scanned =
      stats::scan_pieces(tensors, pieces, {measurement.cutoffs, measurement.sketches, options.largest}, context);
  measurement.tensors.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Parameter* parameter = selection.parameters[part.tensors[i]];
    measurement.tensors.push_back({static_cast<std::size_t>(parameter - model.parameters.data()),
                                   parameter->name,
                                   tensors[i].dtype,
                                   tensors[i].shape,
                                   std::move(scanned.tensors[i]),
                                   measurement.sketches ? std::move(scanned.sketches[i]) : Sketch(),
                                   {}});
  }
  for (std::size_t i = 0; i < pieces.size(); ++i)
    measurement.tensors[pieces[i].tensor].pieces.push_back(
        {pieces[i].begin / base::kPieceElements, scanned.pieces[i].sum, scanned.pieces[i].sum_of_squares});
  for (MeasuredTensor& tensor : measurement.tensors)
    if (tensor.stats.count == elements_of(tensor)) add_up(tensor);
  for (const Outlier& outlier : scanned.largest)
    measurement.largest.push_back({measurement.tensors[outlier.tensor].parameter, outlier.index, outlier.value});
  return measurement;
}

/// On rank 0 the measurement of all ranks, elsewhere that of this one.
Measurement merge_of_ranks(Measurement own, const Context& context) {
  const std::vector<std::vector<std::byte>> messages =
      base::gather(context.leads() ? std::vector<std::byte>() : measurement_bytes(own), context);
  if (!context.leads()) return own;
  std::vector<Measurement> parts{std::move(own)};
  for (std::size_t rank = 1; rank < messages.size(); ++rank) parts.push_back(parse_measurement(messages[rank]));
  return merge(std::move(parts));
}

void require_alike(const Measurement& left, const Measurement& right) {
  if (left.cutoffs != right.cutoffs || left.largest_wanted != right.largest_wanted || left.sketches != right.sketches)
    throw Error(ErrorCode::kMismatch, "measurements made with different options cannot be merged");
  if (left.content != right.content)
    throw Error(ErrorCode::kMismatch, "measurements of different models cannot be merged");
}

/// Adds other pieces of the same tensor.
void join(MeasuredTensor& tensor, MeasuredTensor&& other) {
  if (tensor.dtype != other.dtype || tensor.shape != other.shape || tensor.name != other.name)
    throw Error(ErrorCode::kMismatch, {}, tensor.name, "name, dtype or shape differ between parts");
  if (tensor.pieces.empty() || other.pieces.empty())
    throw Error(ErrorCode::kArgument, {}, tensor.name, "measured in both parts");
  const std::size_t own = tensor.pieces.size();
  tensor.pieces.insert(tensor.pieces.end(), other.pieces.begin(), other.pieces.end());
  const auto less = [](const PieceSums& a, const PieceSums& b) { return a.piece < b.piece; };
  std::inplace_merge(tensor.pieces.begin(), tensor.pieces.begin() + static_cast<std::ptrdiff_t>(own),
                     tensor.pieces.end(), less);
  for (std::size_t i = 1; i < tensor.pieces.size(); ++i)
    if (tensor.pieces[i].piece == tensor.pieces[i - 1].piece)
      throw Error(ErrorCode::kArgument, {}, tensor.name, "measured in both parts");
  tensor.stats.add(other.stats);
  tensor.sketch.add(other.sketch);
  if (tensor.stats.count == elements_of(tensor)) add_up(tensor);
}

}  // namespace

std::string_view split_name(Split split) noexcept {
  constexpr std::string_view kNames[] = {"bytes", "tensors", "files"};
  return kNames[static_cast<std::size_t>(split)];
}

Measurement measure(const Model& model, const InspectOptions& options, const Context& context) {
  std::vector<LeftOut> left_out;
  const Selection selection = stats::select(model, options, left_out);
  if (context.group() == nullptr) return measure_part(model, options, selection, stats::everything(selection), context);
  const Part part{base::group_rank(context), base::group_size(context), Split::kBytes};
  Measurement own = measure_part(model, options, selection, stats::divide(model, selection, part), context.alone());
  return merge_of_ranks(std::move(own), context);
}

Measurement measure(const Model& model, const InspectOptions& options, std::span<const std::size_t> parameters,
                    const Context& context) {
  std::vector<bool> wanted(model.parameters.size());
  for (const std::size_t parameter : parameters) wanted.at(parameter) = true;
  std::vector<LeftOut> left_out;
  const Selection all = stats::select(model, options, left_out);
  Selection part;
  for (std::size_t i = 0; i < all.parameters.size(); ++i) {
    if (!wanted[static_cast<std::size_t>(all.parameters[i] - model.parameters.data())]) continue;
    part.parameters.push_back(all.parameters[i]);
    part.tensors.push_back(all.tensors[i]);
  }
  return measure_part(model, options, part, stats::everything(part), context);
}

Measurement measure(const Model& model, const InspectOptions& options, const Part& part, const Context& context) {
  std::vector<LeftOut> left_out;
  const Selection selection = stats::select(model, options, left_out);
  return measure_part(model, options, selection, stats::divide(model, selection, part), context);
}

Measurement merge(std::vector<Measurement> parts) {
  if (parts.empty()) throw Error(ErrorCode::kArgument, "there is no measurement to merge");
  for (const Measurement& part : parts) require_alike(parts.front(), part);
  Measurement whole = std::move(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    std::move(parts[i].tensors.begin(), parts[i].tensors.end(), std::back_inserter(whole.tensors));
    whole.largest.insert(whole.largest.end(), parts[i].largest.begin(), parts[i].largest.end());
    parts[i] = {};
  }
  std::stable_sort(whole.tensors.begin(), whole.tensors.end(),
                   [](const MeasuredTensor& a, const MeasuredTensor& b) { return a.parameter < b.parameter; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < whole.tensors.size(); ++i) {
    if (kept != 0 && whole.tensors[kept - 1].parameter == whole.tensors[i].parameter) {
      join(whole.tensors[kept - 1], std::move(whole.tensors[i]));
    } else {
      if (kept != i) whole.tensors[kept] = std::move(whole.tensors[i]);
      ++kept;
    }
  }
  whole.tensors.resize(kept);
  whole.largest = stats::leading(std::move(whole.largest), whole.largest_wanted);
  return whole;
}

Measurement merge(const Measurement& left, const Measurement& right) {
  std::vector<Measurement> parts{left, right};
  return merge(std::move(parts));
}

}  // namespace pare
