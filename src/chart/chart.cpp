#include "pare/chart.h"

#include <fmt/format.h>

#include "base/output.h"
#include "chart/chart.h"
#include "pare/error.h"
#include "pare/table.h"
#include "table/inspect_tables.h"

namespace pare {
namespace chart {

std::string gnuplot_string(std::string_view text) {
  const std::string clean = printable(text);
  if (clean.find('\'') == std::string::npos) return '\'' + clean + '\'';
  std::string result = "\"";
  for (const char c : clean)
    if (c == '"' || c == '\\' || c == '`')
      result += fmt::format("\\{:03o}", static_cast<unsigned>(c));
    else
      result += c;
  return result + '"';
}

std::string shortened(std::string_view text, std::size_t limit) {
  std::size_t characters = 0, cut = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;  // continues a character
    if (++characters == limit) cut = i;
    if (characters > limit) return std::string(text.substr(0, cut)) + "…";
  }
  return std::string(text);
}

namespace {

template <class Chart>
void draw_script(const Chart& chart, std::string (*script)(const Chart&, PictureFormat),
                 const std::filesystem::path& file, bool force, const Context& context) {
  const PictureFormat format = picture_format(file);
  base::write_file(file, run_gnuplot(script(chart, format), format, kDrawingLimit, context),
                   force ? base::Publish::kReplace : base::Publish::kNew);
}

}  // namespace

void draw(const HistogramGrid& grid, const std::filesystem::path& file, bool force, const Context& context) {
  draw_script(grid, grid_script, file, force, context);
}
void draw(const BarChart& chart, const std::filesystem::path& file, bool force, const Context& context) {
  draw_script(chart, bar_script, file, force, context);
}
void draw(const TradeOffChart& chart, const std::filesystem::path& file, bool force, const Context& context) {
  draw_script(chart, trade_off_script, file, force, context);
}

}  // namespace chart

void draw(const HistogramChart& chart, const std::filesystem::path& file, bool force, const Context& context) {
  chart::draw_script(chart, chart::histogram_script, file, force, context);
}
void draw(const LineChart& chart, const std::filesystem::path& file, bool force, const Context& context) {
  chart::draw_script(chart, chart::line_script, file, force, context);
}

LineChart share_by_layer_chart(const Inspection& inspection) {
  LineChart chart;
  chart.title = inspection.title + ": share of big parameters by layer";
  chart.x_label = "layer";
  chart.y_label = "share of parameters with " + measure_title(inspection.options);
  if (inspection.options.measure == Measure::kSigned)
    chart.y_label = "share of parameters " + measure_title(inspection.options);
  chart.percent_y = true;
  for (const LayerSpread& spread : inspection.spreads) {
    ChartSeries series;
    series.name = group_name(spread.group);
    series.panel = spread.stack;
    if (spread.cross_attention) series.panel += series.panel.empty() ? "cross-attention" : ", cross-attention";
    for (const int layer : spread.layers) series.x.push_back(layer);
    series.y = spread.shares;
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace pare
