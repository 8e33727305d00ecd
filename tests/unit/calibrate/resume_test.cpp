// Interrupted calibrated runs that go on where they ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "calibrate/resume_file.h"
#include "pare/calibrate.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/small_models.h"

namespace pare {
namespace {

using test::ThrowsError;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDemoFiles = std::string(PARE_SOURCE_DIR) + "/demo/";

class Resume : public testing::Test {
 protected:
  CalibrationOptions windows(std::size_t sequences = 4) {
    CalibrationOptions options;
    options.data = kDemoFiles + "heldout/lm.txt";
    options.sequences = sequences;
    options.length = 32;
    options.resume = directory_ / "state";
    options.tell_resume = [this](const std::string& sentence) { told_.push_back(sentence); };
    return options;
  }
  static PruneOptions at(Criterion criterion, std::vector<std::string> levels = {"60"}) {
    PruneOptions options;
    options.criterion = criterion;
    for (const std::string& level : levels) options.levels.push_back(Amount::percent(level));
    return options;
  }
  /// Stops the run when it reports this step for the first time; returns whether it was stopped.
  bool interrupted(const Model& model, const PruneOptions& options, const CalibrationOptions& calibration,
                   const std::string& step) {
    const Context* self = nullptr;
    const Context context(2, [&](const Progress& progress) {
      if (progress.step == step) self->stop();
    });
    self = &context;
    try {
      plan_calibrated(model, options, calibration, context);
    } catch (const Interrupted&) {
      return true;
    }
    return false;
  }
  /// All files that a plan writes, by name.
  std::map<std::string, std::string> written(const Model& model, const PrunePlan& plan) {
    const std::filesystem::path out = directory_ / ("out" + std::to_string(outputs_++));
    write_pruned(model, plan, out);
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(out))
      if (entry.is_regular_file())
        files[std::filesystem::relative(entry.path(), out).string()] = test::read_text(entry.path());
    return files;
  }
  CalibrationOptions plain(CalibrationOptions options) const {
    options.resume.clear();
    return options;
  }

  test::TemporaryDirectory directory_;
  std::vector<std::string> told_;
  int outputs_ = 0;
};

TEST_F(Resume, GivesTheBytesOfARunThatWasNotInterrupted) {
  for (const auto& [name, layers] : {std::pair{"gpt2-world", " of 4"}, std::pair{"t5-world", " of 6"}})
    for (const Criterion criterion : {Criterion::kWanda, Criterion::kAlps}) {
      told_.clear();
      const Model model = open_model(test::small_model(name));
      const PruneOptions options = at(criterion);
      const CalibrationOptions calibration = windows();
      const auto expected = written(model, plan_calibrated(model, options, plain(calibration)));
      std::filesystem::remove(directory_ / "state");
      ASSERT_TRUE(interrupted(model, options, calibration, std::string("layer 2") + layers)) << name;
      EXPECT_TRUE(interrupted(model, options, calibration, std::string("layer 3") + layers));
      EXPECT_EQ(written(model, plan_calibrated(model, options, calibration)), expected) << name;
      EXPECT_THAT(told_, ElementsAre(HasSubstr("after 1 finished layer"), HasSubstr("after 2 finished layers")));
      // All of it is stored now, for the case that writing is interrupted.
      EXPECT_EQ(written(model, plan_calibrated(model, options, calibration)), expected);
      EXPECT_THAT(told_.back(), HasSubstr(layers == std::string(" of 4") ? "after 4 finished" : "after 6 finished"));
    }
}

TEST_F(Resume, KeepsSeveralLevelsAndTheAllocation) {
  const Model model = open_model(test::small_model("gpt2-world"));
  const PruneOptions options = at(Criterion::kSparseGpt, {"50", "70"});
  CalibrationOptions calibration = windows();
  calibration.allocation = AllocationKind::kOwl;
  const auto expected = written(model, plan_calibrated(model, options, plain(calibration)));
  ASSERT_TRUE(interrupted(model, options, calibration, "layer 3 of 4"));
  EXPECT_EQ(written(model, plan_calibrated(model, options, calibration)), expected);
}

TEST_F(Resume, StartsAnewForAnotherCommandOrModel) {
  const Model gpt2 = open_model(test::small_model("gpt2-world"));
  const auto leave = [&] {
    std::filesystem::remove(directory_ / "state");
    ASSERT_TRUE(interrupted(gpt2, at(Criterion::kWanda), windows(), "layer 3 of 4"));
    told_.clear();
  };
  const auto expect_anew = [&](const Model& model, const PruneOptions& options, const CalibrationOptions& calibration) {
    leave();
    const auto expected = written(model, plan_calibrated(model, options, plain(calibration)));
    EXPECT_EQ(written(model, plan_calibrated(model, options, calibration)), expected);
    EXPECT_THAT(told_, ElementsAre(HasSubstr("starts from the beginning")));
  };
  expect_anew(gpt2, at(Criterion::kWanda, {"61"}), windows());
  expect_anew(gpt2, at(Criterion::kSparseGpt), windows());
  expect_anew(gpt2, at(Criterion::kWanda), windows(5));
  std::filesystem::copy(test::small_model("gpt2-world"), directory_ / "copy");
  const std::filesystem::path file = directory_ / "copy" / "model.safetensors";
  const std::string changed = test::read_text(file);
  test::write_text(file, changed);  // the same content, but written anew
  expect_anew(open_model((directory_ / "copy").string()), at(Criterion::kWanda), windows());
}

TEST_F(Resume, IgnoresWhatACrashCutOff) {
  const Model model = open_model(test::small_model("gpt2-world"));
  const PruneOptions options = at(Criterion::kSparseGpt);
  const CalibrationOptions calibration = windows();
  const auto expected = written(model, plan_calibrated(model, options, calibration));
  const std::string whole = test::read_text(directory_ / "state");
  for (const double share : {0.0, 0.01, 0.3, 0.6, 0.99}) {
    const auto size = static_cast<std::size_t>(share * static_cast<double>(whole.size()));
    for (const char* tail : {"", "what a disk returns after a crash"}) {
      if (size < 20 && size + std::string(tail).size() != 0) continue;  // not the beginning of a file of pare's
      test::write_text(directory_ / "state", whole.substr(0, size) + tail);
      EXPECT_EQ(written(model, plan_calibrated(model, options, calibration)), expected) << share;
      EXPECT_EQ(test::read_text(directory_ / "state"), whole);
    }
  }
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  test::write_text(directory_ / "state", damaged);
  EXPECT_EQ(written(model, plan_calibrated(model, options, calibration)), expected);
}

TEST_F(Resume, RefusesFilesOfOthers) {
  const Model model = open_model(test::small_model("gpt2-world"));
  test::write_text(directory_ / "state", "a letter to my grandmother");
  EXPECT_THAT([&] { plan_calibrated(model, at(Criterion::kWanda), windows()); },
              ThrowsError(ErrorCode::kExists, directory_ / "state"));
  EXPECT_EQ(test::read_text(directory_ / "state"), "a letter to my grandmother");
  std::filesystem::remove(directory_ / "state");
  const calibrate::ResumeFile other(directory_ / "state", std::string(32, '0'), [](const std::string&) {});
  EXPECT_THAT([&] { plan_calibrated(model, at(Criterion::kWanda), windows()); },
              ThrowsError(ErrorCode::kExists, directory_ / "state", {}, {"another run"}));
}

}  // namespace
}  // namespace pare
