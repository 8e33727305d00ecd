// Charts as files: gnuplot runs, pictures are complete, failures are reported.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "chart/chart.h"
#include "chart/gnuplot.h"
#include "pare/chart.h"
#include "pare/error.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/tensors.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Draw : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("PARE_GNUPLOT"); }

  std::string failure(const fs::path& file) const {
    return test::error_of([&] { draw(chart_, file); });
  }
  /// A program that stands in for gnuplot.
  void use(const std::string& body) const {
    const fs::path program = directory_ / "fake";
    std::ofstream(program) << "#!/bin/sh\n" << body << "\n";
    fs::permissions(program, fs::perms(0755));
    ::setenv("PARE_GNUPLOT", program.c_str(), 1);
  }
  std::size_t files() const { return test::names_in(directory_.path()).size(); }

  test::TemporaryDirectory directory_;
  static LineChart two_lines() {
    LineChart chart;
    chart.title = "a chart";
    chart.series = {{"a", {0, 1, 2}, {0, 1, 4}, ""}, {"b", {0, 2}, {1, 1}, ""}};
    return chart;
  }

  LineChart chart_ = two_lines();
};

TEST_F(Draw, WritesAPngOfTheSaidSize) {
  const fs::path file = directory_ / "chart.png";
  draw(chart_, file);
  const std::string picture = test::read_text(file);
  ASSERT_GT(picture.size(), 1000U);
  EXPECT_EQ(picture.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(picture.substr(16, 8), std::string("\x00\x00\x06\x40\x00\x00\x03\xe8", 8));  // 1600 x 1000
  EXPECT_EQ(files(), 1U);
}

TEST_F(Draw, WritesSvgWithTheTitleAsText) {
  chart_.title = "1 < 2 & \"x\"";
  const fs::path file = directory_ / "chart.SVG";
  draw(chart_, file);
  EXPECT_THAT(test::read_text(file), HasSubstr("<svg"));
  EXPECT_THAT(test::read_text(file), HasSubstr("1 &lt; 2 &amp; \"x\""));
}

TEST_F(Draw, TakesNamesForNothingButNames) {
  const fs::path trap = directory_ / "trap";
  const std::string nasty = "'; `touch " + trap.string() + "` \"{/=50 x}_y^z @m %s \\ \n$line0_0\nEND\n" +
                            "system('touch " + trap.string() + "')";
  chart_.title = chart_.x_label = chart_.y_label = chart_.marked_label = nasty;
  chart_.marked_x = 1;
  for (ChartSeries& series : chart_.series) series.name = series.panel = nasty;
  draw(chart_, directory_ / "chart.png");
  EXPECT_FALSE(fs::exists(trap));
}

TEST_F(Draw, ManagesEmptyCharts) {
  draw(LineChart{}, directory_ / "a.png");
  LineChart pointless;
  pointless.log_x = pointless.log_y = true;
  pointless.series = {{"a", {}, {}, ""}, {"b", {1}, {0}, ""}};
  draw(pointless, directory_ / "b.png");
  HistogramChart nothing;
  nothing.histogram = {0, 5, std::vector<std::uint64_t>(50), 0, 0, 0};
  draw(nothing, directory_ / "c.png");
  chart::draw(chart::BarChart{}, directory_ / "d.png");
  EXPECT_EQ(files(), 4U);
}

TEST_F(Draw, DrawsMoreLinesThanColors) {
  chart_.series.clear();
  for (int i = 0; i < 30; ++i) {
    ChartSeries series;
    series.name = "series number " + std::to_string(i);
    series.x = {0, 1, 2};
    series.y = {0.1 * i, 0.2 * i, 0.3};
    chart_.series.push_back(series);
  }
  draw(chart_, directory_ / "chart.png");
  EXPECT_GT(fs::file_size(directory_ / "chart.png"), 1000U);
}

TEST_F(Draw, RefusesOtherExtensions) {
  EXPECT_THAT([&] { draw(chart_, directory_ / "chart.gif"); },
              test::ThrowsError(ErrorCode::kArgument, directory_ / "chart.gif"));
  EXPECT_EQ(files(), 0U);
}

TEST_F(Draw, SaysHowToGetAMissingGnuplot) {
  ::setenv("PARE_GNUPLOT", "/nonexistent/gnuplot", 1);
  EXPECT_THAT([&] { draw(chart_, directory_ / "chart.png"); },
              test::ThrowsError(ErrorCode::kUnavailable, "", "", {"/nonexistent/gnuplot", "gnuplot-nox"}));
  EXPECT_EQ(files(), 0U);
}

TEST_F(Draw, AMissingGnuplotIsToldBeforehand) {
  use("exit 0");
  require_gnuplot();
  ::setenv("PARE_GNUPLOT", "/nonexistent/gnuplot", 1);
  EXPECT_THAT(test::error_of([] { require_gnuplot(); }), HasSubstr("/nonexistent/gnuplot"));
}

TEST_F(Draw, EndsAGnuplotThatHangs) {
  using namespace std::chrono_literals;
  for (const char* body : {"exec sleep 100", "exec sleep 100 2>&-"}) {
    use(body);
    EXPECT_THAT(test::error_of([] { chart::run_gnuplot("", chart::PictureFormat::kPng, 50ms); }), HasSubstr("0.05 s"));
  }
}

TEST_F(Draw, ReplacesAFileOnlyWithForce) {
  const fs::path file = directory_ / "chart.svg";
  test::write_text(file, "another's");
  EXPECT_EQ(test::file_of([&] { draw(chart_, file); }), file);
  EXPECT_EQ(test::read_text(file), "another's");
  draw(chart_, file, true);
  EXPECT_THAT(test::read_text(file), HasSubstr("<svg"));
}

TEST_F(Draw, PassesOnGnuplotsOwnMessage) {
  use("echo 'line 3: no such terminal' >&2; exit 1");
  EXPECT_THAT(failure(directory_ / "chart.png"), HasSubstr("gnuplot failed: line 3: no such terminal"));
  EXPECT_FALSE(fs::exists(directory_ / "chart.png"));
}

TEST_F(Draw, TakesNoHalfPicture) {
  use("printf '\\211PNG\\r\\n\\032\\n half'");
  EXPECT_THAT(failure(directory_ / "chart.png"), HasSubstr("incomplete picture"));
  use("kill -9 $$");
  EXPECT_THAT(failure(directory_ / "chart.png"), HasSubstr("ended by signal 9"));
  EXPECT_FALSE(fs::exists(directory_ / "chart.png"));
}

TEST_F(Draw, SurvivesAGnuplotThatReadsNothingAndTalksALot) {
  chart_.series[0].x.resize(200'000, 1);
  chart_.series[0].y.resize(200'000, 1);
  use("head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; echo ' the end' >&2; exit 3");
  EXPECT_THAT(failure(directory_ / "chart.png"), HasSubstr("gnuplot failed"));
}

TEST_F(Draw, NamesADirectoryThatIsNotThere) {
  EXPECT_THAT(failure(directory_ / "none" / "chart.png"), HasSubstr("none/chart.png"));
}

TEST_F(Draw, KeepsAnOlderPictureWhenItFails) {
  std::ofstream(directory_ / "chart.png") << "old";
  ::setenv("PARE_GNUPLOT", "/bin/false", 1);
  EXPECT_NE(failure(directory_ / "chart.png"), "");
  EXPECT_EQ(test::read_text(directory_ / "chart.png"), "old");
}

/// Sketches of `tensors`, one per dtype as magnitude_sketch gives them.
std::vector<Sketch> sketches_of(const std::vector<TensorView>& tensors) {
  return magnitude_sketch(tensors, Context(1));
}

TEST(CumulativeShareChart, IsExactAtEveryPoint) {
  std::vector<test::OwnedTensor> owned;
  for (const DType dtype : test::analyzed_dtypes()) owned.push_back(test::random_tensor(dtype, 3000, 7, false));
  std::vector<std::vector<Sketch>> sketches;
  std::vector<std::string> titles;
  std::vector<std::vector<double>> values;
  for (const auto& tensor : owned) {
    sketches.push_back(sketches_of({tensor.view()}));
    values.push_back(test::values_of(tensor.view()));
    titles.emplace_back(dtype_name(tensor.view().dtype));
  }
  sketches.push_back(sketches_of({owned[1].view(), owned[3].view()}));  // a model of two dtypes
  values.push_back(values[1]);
  values.back().insert(values.back().end(), values[3].begin(), values[3].end());
  titles.emplace_back("mixed");
  const LineChart chart = cumulative_share_chart(titles, sketches, 0.1);
  ASSERT_EQ(chart.series.size(), titles.size());
  for (std::size_t i = 0; i < titles.size(); ++i) {
    const ChartSeries& series = chart.series[i];
    ASSERT_GT(series.x.size(), 50U);
    for (std::size_t k = 0; k < series.x.size(); ++k) {
      const auto above = std::count_if(values[i].begin(), values[i].end(),
                                       [&](double value) { return std::abs(value) >= series.x[k]; });
      EXPECT_DOUBLE_EQ(series.y[k], static_cast<double>(above) / static_cast<double>(values[i].size()))
          << titles[i] << " at " << series.x[k];
    }
    EXPECT_EQ(series.y.back(), 0) << titles[i];
  }
}

TEST(CumulativeShareChart, CountsNaNInTheWholeButNotAbove) {
  const float nan = std::nanf("");
  const auto tensor = test::from_floats({nan, nan, 0.5F, 0});
  const LineChart chart = cumulative_share_chart({"m"}, {sketches_of({tensor.view()})}, 0.1);
  EXPECT_DOUBLE_EQ(chart.series[0].y.front(), 0.25);
}

TEST(CumulativeShareChart, ManagesModelsOfZerosOrNothing) {
  const auto zeros = test::from_floats({0, 0, 0});
  const LineChart chart = cumulative_share_chart({"zeros", "nothing"}, {sketches_of({zeros.view()}), {}}, 0.1);
  ASSERT_EQ(chart.series.size(), 2U);
  for (const ChartSeries& series : chart.series)
    for (const double y : series.y) EXPECT_EQ(y, 0);
}

}  // namespace
}  // namespace pare
