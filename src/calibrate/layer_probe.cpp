#include "calibrate/layer_probe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kWindowTokens = 256;  ///< of each window of a decoder; all of the others'
constexpr std::size_t kTokens = 1024;
constexpr std::size_t kLogits = std::size_t{1} << 25;  ///< as many as are kept at most, with as many weights: 256 MiB

/// The first windows of the text, with about kTokens tokens in all.
CalibrationText beginning(const CalibrationText& text, bool cut) {
  CalibrationText few;
  std::size_t tokens = 0;
  for (std::size_t batch = 0; batch < text.batches.size() && tokens < kTokens; ++batch) {
    TokenBatch sources, targets;
    for (std::size_t i = 0; i < text.batches[batch].sequences() && tokens < kTokens; ++i) {
      const auto sequence = [&](const TokenBatch& from) { return from.ids().subspan(from.begin(i), from.length(i)); };
      const auto source = sequence(text.batches[batch]);
      sources.add(source.first(cut ? std::min(source.size(), kWindowTokens) : source.size()));
      if (!text.targets.empty()) targets.add(sequence(text.targets[batch]));
    }
    tokens += sources.tokens() + targets.tokens();
    few.batches.push_back(std::move(sources));
    if (!text.targets.empty()) few.targets.push_back(std::move(targets));
  }
  return few;
}

bool has_head(const Runner& runner) {
  const auto* encoder = dynamic_cast<const EncoderRunner*>(&runner);
  return encoder == nullptr || encoder->has_masked_lm_head();
}

/// softmax(logits / kTemperature).
void set_shares(const float* logits, std::size_t n, float* shares) {
  const double largest = *std::max_element(logits, logits + n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    shares[i] = static_cast<float>(std::exp((static_cast<double>(logits[i]) - largest) / kTemperature));
    sum += static_cast<double>(shares[i]);
  }
  for (std::size_t i = 0; i < n; ++i) shares[i] = static_cast<float>(static_cast<double>(shares[i]) / sum);
}

/// Half the variance of the differences.
double change_of_logits(const float* expected, const float* shares, const float* found, std::size_t n) {
  double all = 0, sum = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double difference = static_cast<double>(found[i]) - static_cast<double>(expected[i]),
                 share = static_cast<double>(shares[i]);
    all += share;
    sum += share * difference;
    squares += share * difference * difference;
  }
  return std::max(0.0, squares / all - sum / all * (sum / all)) / 2;
}

double change_of_states(const float* expected, const float* found, std::size_t n) {
  double size = 1e-30, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    size += std::pow(static_cast<double>(expected[i]), 2);
    squares += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
  }
  return squares / size;
}

}  // namespace

LayerProbe::LayerProbe(const Model& model, const CalibrationText& text, const Context& context)
    : runner_(open_runner(model, {KernelChoice::kDense}, context)),
      text_(beginning(text, kind_of(*runner_) == ModelKind::kCausal)),
      passes_(*runner_, text_),
      head_(has_head(*runner_)),
      rows_at_most_(std::max<std::size_t>(
          1, kLogits / std::max<std::size_t>(1, runner_->vocabulary()) / std::max<std::size_t>(1, passes_.batches()))) {
  for (std::size_t i = 0; i < passes_.batches(); ++i) references_.push_back(reference_of(i, context));
}

void LayerProbe::advance(const Context& context) {
  if (++layer_ == passes_.layers()) return;
  for (std::size_t i = 0; i < passes_.batches(); ++i) passes_.run(layer_ - 1, i, true, context);
}

Matrix LayerProbe::compared(std::size_t batch, const Reference& reference, const Context& context) const {
  const Matrix states = passes_.last_states(layer_, batch, context);
  Matrix picked = Matrix::unset(reference.rows.size(), states.columns);
  for (std::size_t i = 0; i < picked.rows; ++i)
    std::copy_n(states.row(reference.rows[i]), states.columns, picked.row(i));
  return head_ ? runner_->logits(picked, context) : picked;
}

LayerProbe::Reference LayerProbe::reference_of(std::size_t batch, const Context& context) const {
  Reference reference;
  const std::size_t tokens = (text_.targets.empty() ? text_.batches : text_.targets)[batch].tokens(),
                    rows = std::min(tokens, rows_at_most_);
  for (std::size_t i = 0; i < rows; ++i) reference.rows.push_back(i * tokens / rows);
  reference.expected = compared(batch, reference, context);
  if (!head_) return reference;
  reference.shares = Matrix::unset(rows, reference.expected.columns);
  base::parallel_for(rows, context, [&](std::size_t i, unsigned) {
    set_shares(reference.expected.row(i), reference.expected.columns, reference.shares.row(i));
  });
  return reference;
}

double LayerProbe::distance(std::size_t batch, const Context& context) const {
  const Reference& reference = references_[batch];
  const Matrix found = compared(batch, reference, context);
  std::vector<double> distances(found.rows);
  base::parallel_for(found.rows, context, [&](std::size_t i, unsigned) {
    distances[i] =
        head_ ? change_of_logits(reference.expected.row(i), reference.shares.row(i), found.row(i), found.columns)
              : change_of_states(reference.expected.row(i), found.row(i), found.columns);
  });
  return std::accumulate(distances.begin(), distances.end(), 0.0);
}

double LayerProbe::change(const Context& context) const {
  double sum = 0;
  std::size_t rows = 0;
  for (std::size_t i = 0; i < passes_.batches(); ++i) {
    sum += distance(i, context);
    rows += references_[i].rows.size();
  }
  return sum / static_cast<double>(rows);
}

}  // namespace pare::calibrate
