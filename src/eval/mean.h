// Means with their standard errors.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "pare/eval.h"

namespace pare::eval {

/// Mean and standard error of values told one after the other (Welford 1962).
class Mean {
 public:
  void add(double value) noexcept {
    ++count_;
    sum_ += value;
    const double apart = value - mean_;
    mean_ += apart / static_cast<double>(count_);
    squares_ += apart * (value - mean_);
  }
  std::uint64_t count() const noexcept { return count_; }
  double sum() const noexcept { return sum_; }
  /// From the sum, so that shares are what the division of two counts gives.
  double value() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  /// s / sqrt(n), s the sample standard deviation, as lm-evaluation-harness' mean_stderr; a single value has none.
  std::optional<double> standard_error() const noexcept {
    if (count_ < 2) return std::nullopt;
    return std::sqrt(squares_ / static_cast<double>(count_ - 1) / static_cast<double>(count_));
  }

 private:
  std::uint64_t count_ = 0;
  double sum_ = 0, mean_ = 0, squares_ = 0;
};

inline Score mean_score(std::string name, const Mean& mean) {
  return {std::move(name), mean.value(), mean.standard_error()};
}

/// exp of the mean, of values that are negative log-likelihoods; its standard error by the delta method.
inline Score perplexity_score(std::string name, const Mean& loss) {
  const double value = std::exp(loss.value());
  const std::optional<double> error = loss.standard_error();
  return {std::move(name), value, error ? std::optional(value * *error) : std::nullopt};
}

}  // namespace pare::eval
