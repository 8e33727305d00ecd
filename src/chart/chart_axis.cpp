#include "chart/chart_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chart/chart.h"

namespace pare::chart {
namespace {

std::string tic_text(double value, TicText text) {
  if (text == TicText::kCount) return short_count(value);
  const bool tiny = value != 0 && std::abs(value) < 1e-6;
  std::string number = tiny ? fmt::format("{:.0e}", value) : fmt::format("{:.7g}", value);
  if (!tiny && number.find('e') != std::string::npos && std::abs(value) < 1) {
    number = fmt::format("{:.6f}", value);
    number.erase(number.find_last_not_of('0') + 1);
  }
  return text == TicText::kPercent ? number + " %" : number;
}

/// gnuplot treats tic texts as formats, unlike all other texts.
std::string as_format(const std::string& text) {
  std::string format;
  for (const char c : text) format.append(c == '%' ? 2 : 1, c);
  return format;
}

double nice_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

}  // namespace

std::string short_count(double count) {
  const char* suffix = "";
  for (const char* larger : {"k", "M", "G", "T"}) {
    if (std::abs(count) < 1000) break;
    count /= 1000;
    suffix = larger;
  }
  return fmt::format("{:.3g}{}", count, suffix);
}

Axis linear_axis(double low, double high, TicText text, bool round_up, bool integral, int wanted) {
  if (!(high > low)) high = low + (integral ? 1 : std::max(1e-3, std::abs(low)));
  double step = nice_step((high - low) / wanted);
  if (integral) step = std::max(1.0, std::round(step));
  Axis axis;
  axis.low = low;
  const double next = std::ceil(high / step - 1e-9) * step;
  // 79.9986 % of zeros ends at 80 %.
  axis.high = round_up || next - high < 0.01 * step ? next : high;
  for (double i = std::ceil(low / step - 1e-9); i * step <= axis.high + step * 1e-6; ++i) {
    const double at = i == 0 ? 0 : i * step;  // no -0
    axis.tics.push_back({at, tic_text(at, text)});
  }
  return axis;
}

Axis log_axis(double low, double high, TicText text) {
  Axis axis;
  axis.logarithmic = true;
  axis.low = low;
  axis.high = std::max(high, low * 10);
  const int first = static_cast<int>(std::ceil(std::log10(axis.low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(axis.high) + 1e-9));
  const int stride = 1 + (last - first) / 9;
  const bool few = last - first < 2;
  for (int decade = first - 1; decade <= last; ++decade) {
    const double at = std::pow(10.0, decade);
    if (decade >= first) {
      if ((last - decade) % stride == 0)
        axis.tics.push_back({at, tic_text(at, text)});
      else
        axis.tics.push_back({at, "", true});
    }
    for (int digit = 2; stride == 1 && digit < 10; ++digit) {
      if (at * digit < axis.low || at * digit > axis.high) continue;
      const bool labeled = few && (digit == 2 || digit == 5);
      axis.tics.push_back({at * digit, labeled ? tic_text(at * digit, text) : "", !labeled});
    }
  }
  return axis;
}

double tic_text_width(const Axis& axis) {
  std::size_t longest = 0;
  for (const Tic& tic : axis.tics) longest = std::max(longest, tic.text.size());
  return 13.5 * static_cast<double>(longest);
}

std::string axis_commands(char name, const Axis& axis, bool labeled) {
  std::string commands = fmt::format("{} logscale {}\nset {}range [{}:{}]\nset {}tics (",
                                     axis.logarithmic ? "set" : "unset", name, name, axis.low, axis.high, name);
  const char* comma = "";
  for (const Tic& tic : axis.tics) {
    commands += fmt::format("{}{} {}{}", comma, gnuplot_string(labeled ? as_format(tic.text) : ""), tic.at,
                            tic.minor ? " 1" : "");
    comma = ", ";
  }
  return commands + ")\n";
}

}  // namespace pare::chart
