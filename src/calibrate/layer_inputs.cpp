#include "calibrate/layer_inputs.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "calibrate/algebra/hessian.h"
#include "pare/error.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kColumnsAtOnce = 64;

void add_squares(const Matrix& inputs, std::vector<double>& squares, const Context& context) {
  const std::size_t pieces = (inputs.columns + kColumnsAtOnce - 1) / kColumnsAtOnce;
  base::parallel_for(pieces, base::worthwhile(context, inputs.values.size()), [&](std::size_t piece, unsigned) {
    const std::size_t begin = piece * kColumnsAtOnce, end = std::min(inputs.columns, begin + kColumnsAtOnce);
    for (std::size_t row = 0; row < inputs.rows; ++row) {
      const float* x = inputs.row(row);
      for (std::size_t i = begin; i < end; ++i) squares[i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
  });
}

}  // namespace

void LayerInputs::add(SharedInputs& shared, const Matrix& inputs, const Context& context) const {
  shared.tokens += inputs.rows;
  add_squares(inputs, shared.squares, context);
  if (products_) add_products(inputs, shared.products.data(), context);
}

void LayerInputs::observe(const LayerUse& linear, const Matrix& inputs, const Context& context) {
  const float* data = inputs.values.data();
  std::vector<float> rows;
  if (inputs.rows != 0) {
    rows.assign(data, data + inputs.columns);
    rows.insert(rows.end(), inputs.row(inputs.rows - 1), inputs.row(inputs.rows - 1) + inputs.columns);
  }
  const bool same = data == last_ && !rows.empty() && rows == last_rows_;
  last_ = nullptr;
  if (!wanted_.contains(linear.name)) return;
  const auto [found, fresh] = index_.try_emplace(linear.name, shared_.size());
  if (fresh && same && shared_[last_index_].in == inputs.columns) {
    found->second = last_index_;
    shared_[last_index_].linears.push_back(linear.name);
  } else if (fresh) {
    SharedInputs& shared = shared_.emplace_back();
    shared.linears.push_back(linear.name);
    shared.in = inputs.columns;
    shared.squares.resize(shared.in);
    if (products_) {
      shared.products = base::AlignedBuffer<double>(shared.in * shared.in);
      std::fill_n(shared.products.data(), shared.in * shared.in, 0.0);
    }
  }
  SharedInputs& shared = shared_[found->second];
  if (shared.linears.front() == linear.name) add(shared, inputs, context);
  last_ = data;
  last_rows_ = std::move(rows);
  last_index_ = found->second;
}

std::vector<SharedInputs> LayerInputs::take(const std::string& source) {
  for (const SharedInputs& shared : shared_)
    if (!std::all_of(shared.squares.begin(), shared.squares.end(), [](double sum) { return std::isfinite(sum); }))
      throw Error(ErrorCode::kUnsupported, source, shared.linears.front(),
                  "has inputs that are not finite on the calibration text");
  return std::move(shared_);
}

}  // namespace pare::calibrate
