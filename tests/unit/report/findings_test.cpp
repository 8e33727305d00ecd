// Sentences appear only if they are true.
#include <gmock/gmock.h>

#include "report/study.h"
#include "report/study_findings.h"
#include "tiny_model.h"

namespace pare::report {
namespace {

using test::TinyModel;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string joined(const Sentences& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + '\n';
  return text;
}

ReportOptions at(std::initializer_list<const char*> levels, Scope scope = Scope::kGlobal) {
  ReportOptions options;
  for (const char* level : levels) options.levels.push_back(Amount::percent(level));
  options.scope = scope;
  return options;
}

Study study_of(const Model& model, const ReportOptions& options) { return make_study(model, options, {}); }

/// Layers of F32 matrices, each filled with one magnitude of alternating sign.
class Layers {
 public:
  explicit Layers(const std::vector<float>& magnitudes, std::uint64_t rows = 10) : rows_(rows) {
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
      std::vector<float> values(10 * rows);
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = k % 2 == 0 ? magnitudes[i] : -magnitudes[i];
      owners_.push_back(test::from_floats(values, "h." + std::to_string(i) + ".w_1"));
    }
  }
  Model model() const {
    std::vector<TensorView> views;
    std::vector<Parameter> parameters;
    for (std::size_t i = 0; i < owners_.size(); ++i) {
      views.push_back(owners_[i].view());
      views.back().shape = {rows_, 10};
      Parameter parameter;
      parameter.name = views.back().name;
      parameter.tensor = i;
      parameter.layer = static_cast<int>(i);
      parameter.group = Group::kFeedForward;
      parameter.prunable = true;
      parameters.push_back(parameter);
    }
    return Model{.title = "layers",
                 .source = "",
                 .architecture = "Layers",
                 .model_type = "",
                 .checkpoint = Checkpoint::from_tensors(views, {}, ".", nullptr),
                 .parameters = parameters,
                 .left_out = {},
                 .missing = {},
                 .notes = {},
                 .side_files = {},
                 .config = ""};
  }

 private:
  std::uint64_t rows_;
  std::vector<test::OwnedTensor> owners_;
};

TEST(Findings, TellEmptiedTensors) {
  const Layers layers({0.01F, 0.2F, 0.3F, 0.4F});
  const Model model = layers.model();
  const Study study = study_of(model, at({"10", "50"}));
  EXPECT_THAT(emptied_tensors(study, 0), IsEmpty());
  EXPECT_THAT(emptied_tensors(study, 1), ElementsAre(0U, 1U));
  EXPECT_THAT(joined(evenness_findings(study)),
              AllOf(HasSubstr("At 50 %, 2 of 4 tensors are left without a single weight: `h.0.w_1` and `h.1.w_1`."),
                    HasSubstr("from 0.00 % (layer 2) to 100.00 % (layer 0)"), Not(HasSubstr("At 10 %,"))));
}

TEST(Findings, CallEvenPruningEven) {
  const TinyModel tiny;
  const Model model = tiny.model();
  const Study study = study_of(model, at({"90"}, Scope::kPerTensor));
  const std::string said = joined(evenness_findings(study));
  EXPECT_THAT(said, HasSubstr("The same amount was taken of each tensor"));
  EXPECT_THAT(said, HasSubstr("pruned nearly alike: 90.00 % to 90.00 %"));
  EXPECT_THAT(said, Not(HasSubstr("One threshold")));
}

TEST(Findings, DoNotCallEvenWhatKeepsManyTimesAsMuch) {
  const Layers layers({0.01F, 0.2F}, 100);
  const Model model = layers.model();
  EXPECT_THAT(joined(evenness_findings(study_of(model, at({"99.75"})))),
              HasSubstr("from 99.50 % (layer 1) to 100.00 % (layer 0)"));
}

TEST(Findings, SayWhichLevelsLeaveTheShareAsItWas) {
  const Layers layers({0.01F, 0.2F, 0.3F, 0.4F});
  const Model model = layers.model();
  EXPECT_THAT(joined(level_findings(study_of(model, at({"10", "25", "50"})))),
              AllOf(HasSubstr("At 10 % and 25 % the share with \\|w\\| > 0.1 stays as it was: 75.00 %."),
                    HasSubstr("It becomes 50.00 % at 50 %.")));
  EXPECT_THAT(joined(level_findings(study_of(model, at({"10"})))), HasSubstr("No level changes the share"));
  EXPECT_THAT(joined(level_findings(study_of(model, at({"50", "75"})))),
              HasSubstr("from 75.00 % to 50.00 % at 50 % and 25.00 % at 75 %."));
}

TEST(Findings, NameTheExtremeLayers) {
  const Layers layers({0.01F, 0.2F});
  const Model model = layers.model();
  const std::string said = joined(layer_findings(study_of(model, at({"10"}))));
  EXPECT_THAT(said, HasSubstr("layers run from 0.00 % (layer 0) to 100.00 % (layer 1)."));
  EXPECT_THAT(said, HasSubstr("With fewer than 5 layers none is called outlying."));
}

TEST(Findings, SayNothingOfLayersWhereThereAreNone) {
  const Layers layers({0.2F});
  const Model model = layers.model();
  const Study study = study_of(model, at({"50"}));
  EXPECT_THAT(layer_findings(study), ElementsAre("The model has no two layers to compare."));
  EXPECT_THAT(joined(evenness_findings(study)), Not(HasSubstr("layers")));
}

TEST(Findings, FindTheLongTail) {
  const Layers layers({0.2F, 6.0F});
  const Model model = layers.model();
  const std::string said = joined(tail_findings(study_of(model, at({"50"}))));
  EXPECT_THAT(said, HasSubstr("100 (50 %) above 1, 100 (50 %) above 2 and 100 (50 %) above 5."));
  EXPECT_THAT(said, HasSubstr("Of the 100 above 5, 100 (100.00 %) sit in `h.1.w_1`."));
  EXPECT_THAT(said, HasSubstr("The largest is 6 in `h.1.w_1`"));
}

TEST(Findings, CountWhatWasLeftAlone) {
  const TinyModel tiny;
  const Model model = tiny.model();
  EXPECT_THAT(joined(selection_findings(study_of(model, at({"50"})))),
              AllOf(HasSubstr("Pruned: 6 tensors with 7,200 weights (90.23 % of the parameters)"),
                    HasSubstr("Left alone: 5 tensors with 780 parameters (9.77 %)")));
}

TEST(Findings, EnumerateAsPeopleDo) {
  EXPECT_EQ(enumeration({}), "");
  EXPECT_EQ(enumeration({"a"}), "a");
  EXPECT_EQ(enumeration({"a", "b"}), "a and b");
  EXPECT_EQ(enumeration({"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(plural(1, "tensor"), "1 tensor");
  EXPECT_EQ(plural(1234, "tensor"), "1,234 tensors");
}

}  // namespace
}  // namespace pare::report
