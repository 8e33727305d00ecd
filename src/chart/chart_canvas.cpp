#include "chart/chart_canvas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "chart/chart.h"

namespace pare::chart {
namespace {

constexpr int kFontSize = 20;
constexpr std::string_view kFont = "DejaVu Sans";

/// Okabe and Ito's colors without yellow, which is hard to see on white; slightly muted.
constexpr std::array<std::string_view, 8> kColors = {"#2b6ca3", "#d5662a", "#2a9476", "#b8649a",
                                                     "#d9a036", "#5fa9d6", "#4a4a4a", "#8f6b3d"};

/// A scale whose lightness falls evenly: light orange, rose, violet, dark blue.
constexpr std::array<std::array<int, 3>, 5> kScale = {
    {{240, 184, 120}, {226, 128, 104}, {184, 78, 116}, {122, 48, 118}, {48, 32, 92}}};

std::string screen(double value) { return fmt::format("screen {:.5f}", value); }

}  // namespace

Stroke category_stroke(std::size_t index) {
  constexpr std::array<int, 4> kDashes = {1, 2, 4, 3};
  constexpr std::array<int, 5> kPoints = {7, 5, 9, 13, 11};  // disc, square, triangles, diamond
  const std::size_t round = index / kColors.size() % kDashes.size();
  return {std::string(kColors[index % kColors.size()]), kDashes[round], kPoints[index % kPoints.size()]};
}

Stroke ordered_stroke(std::size_t index, std::size_t count) {
  const double place = count < 2 ? kScale.size() - 1.0
                                 : static_cast<double>(index) / static_cast<double>(count - 1) * (kScale.size() - 1);
  const auto left = std::min<std::size_t>(static_cast<std::size_t>(place), kScale.size() - 2);
  const double part = place - static_cast<double>(left);
  std::string color = "#";
  for (std::size_t i = 0; i < 3; ++i)
    color += fmt::format("{:02x}", std::lround(kScale[left][i] * (1 - part) + kScale[left + 1][i] * part));
  return {color, 1, 7};
}

Canvas::Canvas(PictureFormat format, int width, int height) : width_(width), height_(height) {
  const char* terminal = format == PictureFormat::kPng ? "pngcairo" : "svg";
  script_ = fmt::format(
      "set encoding utf8\n"
      "set terminal {} noenhanced size {},{} font '{},{}' background '#ffffff' linewidth 1.6 dashlength 1.3\n"
      "set multiplot\nunset key\nset border 3 lc rgb '#8a8a8a' lw 0.8\n"
      "set tics nomirror out scale 0.7,0.35 textcolor rgb '{}'\n"
      "set style fill solid 1 noborder\n",
      terminal, width, height, kFont, kFontSize, kInk);
}

double Canvas::left_margin(const Axis& y) const { return (98 + tic_text_width(y)) / width_; }

void Canvas::title(std::string_view title, std::string_view subtitle) {
  add(fmt::format("set label 1 {} at {}, {} left font '{} Bold,{}' textcolor rgb '{}'\n",
                  gnuplot_string(shortened(title, 80)), screen(0.025), screen(1 - 44.0 / height_), kFont,
                  kFontSize * 6 / 5, kInk));
  if (!subtitle.empty())
    add(fmt::format("set label 2 {} at {}, {} left textcolor rgb '{}'\n", gnuplot_string(shortened(subtitle, 110)),
                    screen(0.025), screen(1 - 88.0 / height_), kFaint));
}

void Canvas::panel(const Rectangle& place, const Axis& x, const Axis& y, bool left_texts, bool bottom_texts) {
  add(fmt::format("set lmargin at {}\nset rmargin at {}\nset bmargin at {}\nset tmargin at {}\n", screen(place.left),
                  screen(place.right), screen(place.bottom), screen(place.top)));
  place_ = place;
  add(axis_commands('x', x, bottom_texts));
  add(axis_commands('y', y, left_texts));
  add(fmt::format("set grid xtics ytics nomxtics nomytics back lt 1 lc rgb '{}' lw 0.7\n", kGrid));
}

void Canvas::panel_title(std::string_view title) {
  add(fmt::format("set label {} at graph 0, graph 1 left offset 0,0.9 font '{} Bold,{}' textcolor rgb '{}'\n",
                  gnuplot_string(shortened(title, 40)), kFont, kFontSize, kInk));
}

void Canvas::axis_labels(std::string_view x, std::string_view y) {
  const double across = (place_.left + place_.right) / 2, up = (place_.bottom + place_.top) / 2;
  if (!x.empty())
    add(fmt::format("set label {} at {}, {} center textcolor rgb '{}'\n", gnuplot_string(shortened(x, 90)),
                    screen(across), screen(place_.bottom - 78.0 / height_), kInk));
  if (!y.empty())
    add(fmt::format("set label {} at {}, {} center rotate by 90 textcolor rgb '{}'\n", gnuplot_string(shortened(y, 60)),
                    screen(28.0 / width_), screen(up), kInk));
}

void Canvas::mark(double x, const Axis& axis, std::string_view label) {
  if (!(x >= axis.low && x <= axis.high)) return;
  add(fmt::format("set arrow from {0}, graph 0 to {0}, graph {2} nohead front dt 2 lw 1.4 lc rgb '{1}'\n", x, kMark,
                  label.empty() ? 1 : 1.035));
  if (label.empty()) return;
  const double place = axis.logarithmic ? std::log(x / axis.low) / std::log(axis.high / axis.low)
                                        : (x - axis.low) / (axis.high - axis.low);
  const bool right = place > 0.6;
  add(fmt::format("set label {} at {}, graph 1 {} offset {},0.9 front textcolor rgb '{}'\n",
                  gnuplot_string(shortened(label, 60)), x, right ? "right" : "left", right ? -0.6 : 0.6, kMark));
}

void Canvas::mark_level(double y, std::string_view label) {
  add(fmt::format("set arrow from graph 0, first {0} to graph 1, first {0} nohead front dt 2 lw 1.4 lc rgb '{1}'\n", y,
                  kMark));
  if (!label.empty())
    add(fmt::format("set label {} at graph 1, first {} right offset -0.8,0.8 front textcolor rgb '{}'\n",
                    gnuplot_string(shortened(label, 60)), y, kMark));
}

void Canvas::note_right(std::string_view text) {
  add(fmt::format("set label {} at graph 1, graph 1 right offset 0,0.9 front textcolor rgb '{}'\n",
                  gnuplot_string(shortened(text, 80)), kFaint));
}

void Canvas::legend(const Rectangle& place, const std::vector<std::pair<std::string, std::string>>& entries,
                    bool in_rows) {
  if (entries.empty()) return;
  add("unset label\nunset arrow\nunset border\nunset tics\nunset grid\n");
  add("unset logscale x\nunset logscale y\n");
  add(fmt::format("set lmargin at {}\nset rmargin at {}\nset bmargin at {}\nset tmargin at {}\n", screen(place.left),
                  screen(place.right), screen(place.bottom), screen(place.top)));
  add(fmt::format("set key inside {} Left reverse samplen 2.2 {} textcolor rgb '{}'\nplot [0:1] [0:1] ",
                  in_rows ? "center center horizontal" : "left center vertical",
                  in_rows ? "spacing 1.2" : "spacing 1.35", kInk));
  const char* comma = "";
  for (const auto& [name, style] : entries) {
    add(fmt::format("{}NaN with {} title {}", comma, style, gnuplot_string(shortened(name, 60))));
    comma = ", ";
  }
  add("\n");
}

void Canvas::data(std::string_view name, const std::vector<std::vector<double>>& rows) {
  add(fmt::format("${} << END\n", name));
  for (const auto& row : rows) {
    const char* space = "";
    for (const double value : row) {
      add(fmt::format("{}{}", space, value));
      space = " ";
    }
    add("\n");
  }
  add("END\n");
}

std::string Canvas::finish() {
  add("unset multiplot\n");
  return std::move(script_);
}

}  // namespace pare::chart
