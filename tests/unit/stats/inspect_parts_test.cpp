// Parts of a model that processes measure apart are the whole once they are merged, bit for bit, whatever the division.
#include <gmock/gmock.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>

#include "pare/error.h"
#include "pare/partial.h"
#include "support/tensors.h"

namespace pare {
namespace {

constexpr std::uint64_t kPiece = 1ULL << 18;

/// Tensors of several sizes, in two files: an empty one, small ones, and two that are cut into pieces.
struct PartedModel {
  PartedModel() {
    const std::vector<std::pair<DType, std::uint64_t>> kinds{{DType::kF32, 3 * kPiece + 5}, {DType::kF32, 0},
                                                             {DType::kBF16, 700},           {DType::kF64, 33},
                                                             {DType::kF16, 2 * kPiece},     {DType::kF32, 1000}};
    std::vector<CheckpointFile> files(2);
    std::vector<TensorView> views;
    for (const auto& [dtype, elements] : kinds) {
      const std::size_t i = views.size();
      owners.push_back(test::random_tensor(dtype, elements, i, true));
      views.push_back(owners.back().view());
      views.back().name = "w" + std::to_string(i);
      views.back().file = i < 3 ? 0 : 1;
      files[views.back().file].tensors.push_back(i);
      Parameter parameter;
      parameter.name = views.back().name;
      parameter.tensor = i;
      parameter.layer = static_cast<int>(i % 2);
      model.parameters.push_back(parameter);
    }
    std::swap(model.parameters[1], model.parameters[4]);  // not in the order of the files
    model.checkpoint = Checkpoint::from_tensors(views, files, {}, nullptr);
  }

  std::vector<test::OwnedTensor> owners;
  Model model{"tiny", "memory", "Tiny", "", Checkpoint::from_tensors({}, {}, {}, nullptr), {}, {}, {}, {}, {}, {}};
};

InspectOptions all_figures() {
  InspectOptions options;
  options.quantiles = {0, 0.25, 0.5, 0.999};
  options.largest = 40;
  return options;
}

PartialInspection partial_of(const Model& model, const InspectOptions& options, const Part& part) {
  return {"memory", {}, options, part, measure(model, options, part), "part-" + std::to_string(part.index + 1)};
}

std::vector<PartialInspection> all_partials(const Model& model, const InspectOptions& options, std::uint32_t count,
                                            Split split = Split::kBytes) {
  std::vector<PartialInspection> partials;
  for (std::uint32_t i = 0; i < count; ++i) partials.push_back(partial_of(model, options, {i, count, split}));
  return partials;
}

TEST(PartialInspection, EveryDivisionInAnyOrderIsTheWhole) {
  const PartedModel parted;
  std::mt19937 random(1);
  for (const InspectOptions& options : {all_figures(), InspectOptions()}) {
    const std::vector<std::byte> whole = measurement_bytes(measure(parted.model, options));
    for (const Split split : {Split::kBytes, Split::kTensors, Split::kFiles})
      for (const std::uint32_t count : {1U, 2U, 3U, 5U, 8U, 40U}) {
        std::vector<PartialInspection> partials = all_partials(parted.model, options, count, split);
        std::shuffle(partials.begin(), partials.end(), random);
        for (PartialInspection& partial : partials) partial = parse_partial(partial_bytes(partial));
        EXPECT_EQ(measurement_bytes(merge_partials(partials).measurement), whole) << count << split_name(split);
      }
  }
}

TEST(PartialInspection, MergesTwoByTwoInAnyOrder) {
  const PartedModel parted;
  const InspectOptions options = all_figures();
  const std::vector<std::byte> whole = measurement_bytes(measure(parted.model, options));
  std::vector<Measurement> parts;
  for (const PartialInspection& partial : all_partials(parted.model, options, 6)) parts.push_back(partial.measurement);
  std::mt19937 random(2);
  for (int repeat = 0; repeat < 10; ++repeat) {
    std::shuffle(parts.begin(), parts.end(), random);
    Measurement merged = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) merged = merge(parts[i], merged);
    EXPECT_EQ(measurement_bytes(merged), whole);
  }
}

TEST(PartialInspection, ALargeTensorIsDividedByBytesAndOnlyThen) {
  const PartedModel parted;
  const auto divided = [&](Split split) {
    const Measurement part = measure(parted.model, {}, Part{0, 8, split});
    return std::any_of(part.tensors.begin(), part.tensors.end(),
                       [](const auto& tensor) { return !tensor.pieces.empty(); });
  };
  EXPECT_TRUE(divided(Split::kBytes));
  EXPECT_FALSE(divided(Split::kTensors));
  EXPECT_FALSE(divided(Split::kFiles));
}

TEST(PartialInspection, AnIncompleteMeasurementIsNotAssembled) {
  const PartedModel parted;
  Measurement part = measure(parted.model, {}, Part{0, 2, Split::kBytes});
  EXPECT_THROW(assemble(parted.model, {}, part), Error);
  EXPECT_THROW(merge(part, part), Error);
  EXPECT_THROW(measure(parted.model, {}, Part{2, 2, Split::kBytes}), Error);
}

TEST(PartialInspection, PartsThatDoNotBelongTogetherAreNamed) {
  const PartedModel parted;
  const InspectOptions options;
  const std::vector<PartialInspection> good = all_partials(parted.model, options, 4);
  const auto with = [&](const auto& change) {
    std::vector<PartialInspection> partials = good;
    change(partials);
    try {
      merge_partials(partials);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMismatch);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(with([](auto&) {}), "");
  EXPECT_EQ(with([](auto& partials) { partials.erase(partials.begin() + 1); }), "1 of 4 parts is missing: 2");
  EXPECT_EQ(with([](auto& partials) { partials.resize(1); }), "3 of 4 parts are missing: 2, 3, 4");
  EXPECT_EQ(with([](auto& partials) {
              partials.push_back(partials[2]);
              partials.back().file = "copy";
            }),
            "copy: part 3/4 is given twice, also as part-3");
  EXPECT_EQ(with([&](auto& partials) {
              partials[1] = partial_of(parted.model, options, {1, 3, Split::kBytes});
            }),
            "part-2: is of another division than part-1 (expected one of 4 parts by bytes, found part 2/3 by bytes)");
  EXPECT_EQ(with([&](auto& partials) {
              InspectOptions other;
              other.exclude = {"w0"};
              partials[3] = partial_of(parted.model, other, {3, 4, Split::kBytes});
            }),
            "part-4: part 4/4 was made with other options than part-1");
  EXPECT_EQ(with([&](auto& partials) {
              partials[2].measurement.content ^= 1;
              partials[2].model = "other";
            }),
            "part-3: part 3/4 is of another model than part-1 (expected one of 'memory', found one of 'other')");
}

TEST(PartialInspection, DamagedBytesAreRefused) {
  const PartedModel parted;
  InspectOptions options = all_figures();
  options.include = {"w0", "w5"};
  options.exclude = {"w3"};
  options.largest = 3;
  const std::vector<std::byte> bytes = partial_bytes(partial_of(parted.model, options, {2, 5, Split::kBytes}));
  EXPECT_EQ(partial_bytes(parse_partial(bytes)), bytes);
  const auto refused = [](std::vector<std::byte> changed, bool sign) {
    if (sign && changed.size() >= 20) {
      const std::uint64_t sum = XXH3_64bits(changed.data(), changed.size() - 8);
      std::memcpy(changed.data() + changed.size() - 8, &sum, 8);
    }
    try {
      EXPECT_EQ(partial_bytes(parse_partial(changed, "part")), changed);  // taken as it is
      return false;
    } catch (const Error& error) {
      EXPECT_EQ(error.file(), "part");
      return true;
    }
  };
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 600); ++i) {
    std::vector<std::byte> changed = bytes;
    changed[i] ^= std::byte{0xff};
    EXPECT_TRUE(refused(changed, false)) << i;
    refused(changed, true);
    EXPECT_TRUE(refused({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i)}, false)) << i;
    EXPECT_TRUE(refused({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i)}, true)) << i;
  }
}

TEST(PartialInspection, IsSavedOnceAndLoaded) {
  const PartedModel parted;
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "pare-partial-inspection";
  std::filesystem::remove(path);
  const PartialInspection partial = partial_of(parted.model, {}, {0, 2, Split::kTensors});
  save_partial(partial, path);
  EXPECT_THROW(save_partial(partial, path), Error);
  save_partial(partial, path, true);
  const PartialInspection loaded = load_partial(path);
  EXPECT_EQ(loaded.file, path);
  EXPECT_EQ(loaded.part, partial.part);
  EXPECT_EQ(partial_bytes(loaded), partial_bytes(partial));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace pare
