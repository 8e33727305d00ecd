// Contexts: shared state, derived contexts and progress reports.
#include "pare/context.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/parallel.h"
#include "pare/error.h"

namespace pare {
namespace {

using Heard = std::vector<std::tuple<std::string, double, std::uint64_t>>;

Context listening(Heard& heard) {
  return Context(
      3, [&heard](const Progress& progress) { heard.emplace_back(progress.step, progress.fraction, progress.bytes); });
}

TEST(Context, StartsWithOneThreadPerCoreAndUnheard) {
  const Context context;
  EXPECT_EQ(context.threads(), 0U);
  EXPECT_FALSE(context.stopped());
  EXPECT_FALSE(context.reports());
  context.report(0.5);
  context.check();
}

TEST(Context, CopiesAndDerivedContextsStopTogether) {
  const Context context(2), copy = context, single = context.with_threads(1), step = context.part(0, 0.5);
  const Context other;
  single.stop();
  for (const Context& one : {context, copy, single, step}) {
    EXPECT_TRUE(one.stopped());
    EXPECT_THROW(one.check(), Interrupted);
  }
  EXPECT_FALSE(other.stopped());
  step.reset();
  EXPECT_FALSE(context.stopped());
}

TEST(Context, DerivedContextsKeepWhatTheyDoNotChange) {
  Heard heard;
  const Context context = listening(heard);
  EXPECT_EQ(context.with_threads(1).threads(), 1U);
  EXPECT_EQ(context.threads(), 3U);
  EXPECT_TRUE(context.with_threads(1).reports());
  EXPECT_EQ(context.part(0, 1).threads(), 3U);
  EXPECT_EQ(context.with_progress({}).threads(), 3U);
  EXPECT_FALSE(context.with_progress({}).reports());
}

TEST(Context, ReportsStepFractionAndBytes) {
  Heard heard;
  const Context context = listening(heard);
  context.report(0.25, "step");
  context.report_bytes(30, 40);
  context.report_bytes(0, 0);
  EXPECT_EQ(heard, (Heard{{"step", 0.25, 0}, {"", 0.75, 30}, {"", 1, 0}}));
}

TEST(Context, APartReportsItsShareOfTheWhole) {
  Heard heard;
  const Context context = listening(heard);
  const Context part = context.part(0.5, 1);
  part.report(0.5, "inner");
  part.part(0, 0.5, "named").report(1, "lost");
  context.part(0, 0.5, "named").report_bytes(1, 2);
  EXPECT_EQ(heard, (Heard{{"inner", 0.75, 0}, {"named", 0.75, 0}, {"named", 0.25, 0}}));
}

TEST(Context, AnInterruptIsNotAnError) {
  EXPECT_FALSE((std::is_base_of_v<Error, Interrupted>));
  EXPECT_FALSE((std::is_base_of_v<std::runtime_error, Interrupted>));
  EXPECT_STREQ(Interrupted().what(), "interrupted");
}

TEST(Context, AStoppedLoopLeavesTheNextOneAlone) {
  const Context context(2);
  EXPECT_THROW(base::parallel_for(1000, context, [&](std::size_t, unsigned) { context.stop(); }), Interrupted);
  context.reset();
  std::atomic<int> visited{0};
  base::parallel_for(1000, context, [&](std::size_t, unsigned) { ++visited; });
  EXPECT_EQ(visited, 1000);
}

}  // namespace
}  // namespace pare
