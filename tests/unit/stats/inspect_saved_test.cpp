// Saved measurements: parts that are saved, loaded and merged are the whole, and damage is refused.
#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "pare/error.h"
#include "pare/measure.h"
#include "support/tensors.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using test::OwnedTensor;

Model model_of(const std::vector<OwnedTensor>& owners) {
  std::vector<TensorView> views;
  Model model{"tiny", "memory", "Tiny", "", Checkpoint::from_tensors({}, {}, {}, nullptr), {}, {}, {}, {}, {}, {}};
  for (const OwnedTensor& owner : owners) {
    Parameter parameter;
    parameter.name = "w" + std::to_string(views.size());
    parameter.tensor = views.size();
    parameter.group = Group::kOther;
    views.push_back(owner.view());
    views.back().name = parameter.name;
    model.parameters.push_back(parameter);
  }
  model.checkpoint = Checkpoint::from_tensors(views, {}, {}, nullptr);
  return model;
}

std::vector<OwnedTensor> tensors_of_every_dtype(std::uint64_t elements, std::uint64_t seed = 0) {
  std::vector<OwnedTensor> owners;
  for (const DType dtype : test::analyzed_dtypes())
    owners.push_back(test::random_tensor(dtype, elements, seed + owners.size(), true));
  owners.push_back(test::from_floats({}));
  return owners;
}

InspectOptions options_with(std::vector<double> quantiles) {
  InspectOptions options;
  options.quantiles = std::move(quantiles);
  return options;
}

/// The code of the Error that `call` throws.
std::optional<ErrorCode> code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

/// Gives changed bytes a valid checksum, as an attacker would.
void sign(std::vector<std::byte>& bytes) {
  if (bytes.size() < 8) return;
  const std::uint64_t sum = XXH3_64bits(bytes.data(), bytes.size() - 8);
  std::memcpy(bytes.data() + bytes.size() - 8, &sum, 8);
}

TEST(SavedMeasurement, PartsThatAreLoadedAndMergedAreTheWhole) {
  const std::vector<OwnedTensor> owners = tensors_of_every_dtype(3001);
  const Model model = model_of(owners);
  for (const InspectOptions& options : {options_with({}), options_with({0.1, 0.5, 0.999})}) {
    const Measurement whole = measure(model, options);
    const std::vector<std::size_t> even{0, 2, 4, 6}, odd{1, 3, 5};
    const fs::path directory = fs::path(testing::TempDir()) / "pare-saved-measurement";
    fs::remove_all(directory);
    fs::create_directories(directory);
    save_measurement(measure(model, options, even), directory / "even");
    save_measurement(measure(model, options, odd), directory / "odd");
    EXPECT_THROW(save_measurement(whole, directory / "odd"), Error);  // exists
    const Measurement merged = merge(load_measurement(directory / "odd"), load_measurement(directory / "even"));
    EXPECT_EQ(measurement_bytes(merged), measurement_bytes(whole));
    save_measurement(whole, directory / "odd", true);
    EXPECT_EQ(measurement_bytes(load_measurement(directory / "odd")), measurement_bytes(whole));
    fs::remove_all(directory);

    const Inspection expected = inspect(model, options), found = assemble(model, options, merged);
    ASSERT_EQ(found.tensors.size(), expected.tensors.size());
    for (std::size_t i = 0; i < expected.tensors.size(); ++i) {
      EXPECT_EQ(found.tensors[i].stats.zeros, expected.tensors[i].stats.zeros);
      EXPECT_EQ(found.tensors[i].stats.cutoffs[0].above, expected.tensors[i].stats.cutoffs[0].above);
    }
    EXPECT_EQ(found.overall.stats.sum, expected.overall.stats.sum);
    EXPECT_EQ(found.overall.quantiles, expected.overall.quantiles);
    ASSERT_EQ(found.largest.size(), expected.largest.size());
    for (std::size_t i = 0; i < expected.largest.size(); ++i)
      EXPECT_EQ(found.largest[i].position, expected.largest[i].position);
  }
}

TEST(SavedMeasurement, OtherOptionsAndOtherContentAreNotMerged) {
  const std::vector<OwnedTensor> owners = tensors_of_every_dtype(200);
  const Model model = model_of(owners);
  const std::vector<std::size_t> first{0}, second{1};
  const InspectOptions options = options_with({});
  const Measurement part = measure(model, options, first);
  InspectOptions other = options;
  other.cutoff = 0.2;
  EXPECT_EQ(code_of([&] { merge(part, measure(model, other, second)); }), ErrorCode::kMismatch);
  EXPECT_EQ(code_of([&] { assemble(model, other, measure(model, options)); }), ErrorCode::kMismatch);
  other = options;
  other.largest = 3;
  EXPECT_EQ(code_of([&] { merge(part, measure(model, other, second)); }), ErrorCode::kMismatch);
  EXPECT_EQ(code_of([&] { merge(part, measure(model, options_with({0.5}), second)); }), ErrorCode::kMismatch);
  // The same names and shapes, other weights.
  const std::vector<OwnedTensor> others = tensors_of_every_dtype(200, 100);
  EXPECT_EQ(code_of([&] { merge(part, measure(model_of(others), options, second)); }), ErrorCode::kMismatch);
  EXPECT_EQ(code_of([&] { assemble(model_of(others), options, measure(model, options)); }), ErrorCode::kMismatch);
  EXPECT_EQ(code_of([&] { merge(part, part); }), ErrorCode::kArgument);
  EXPECT_EQ(code_of([&] { merge(part, measure(model, options, second)); }), std::nullopt);
}

TEST(SavedMeasurement, EveryLengthThatIsCutOffIsRefused) {
  const std::vector<OwnedTensor> owners = tensors_of_every_dtype(5);
  const std::vector<std::byte> bytes = measurement_bytes(measure(model_of(owners), options_with({0.5})));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const std::vector<std::byte> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    std::vector<std::byte> with_checksum = part;
    if (length >= 20) sign(with_checksum);  // behind magic and version
    for (const std::vector<std::byte>& damaged : {part, with_checksum})
      EXPECT_EQ(code_of([&] { parse_measurement(damaged); }), ErrorCode::kMalformed) << length;
  }
}

TEST(SavedMeasurement, EveryBitThatFlipsIsRefused) {
  const std::vector<OwnedTensor> owners = tensors_of_every_dtype(5);
  std::vector<std::byte> bytes = measurement_bytes(measure(model_of(owners), options_with({0.5})));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      bytes[i] ^= std::byte{1} << bit;
      EXPECT_NE(code_of([&] { parse_measurement(bytes, "part"); }), std::nullopt) << i << ", bit " << bit;
      bytes[i] ^= std::byte{1} << bit;
    }
}

TEST(SavedMeasurement, ForgedBytesAreRefusedOrTakenAsTheyAre) {
  const std::vector<OwnedTensor> owners = tensors_of_every_dtype(20);
  const Model model = model_of(owners);
  const InspectOptions options = options_with({0, 0.5, 1});
  const std::vector<std::byte> original = measurement_bytes(measure(model, options));
  std::size_t taken = 0, refused = 0;
  for (std::size_t i = 0; i + 8 < original.size(); ++i)
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      std::vector<std::byte> bytes = original;
      bytes[i] ^= static_cast<std::byte>(flip);
      sign(bytes);
      try {
        const Measurement loaded = parse_measurement(bytes);
        EXPECT_EQ(measurement_bytes(loaded), bytes) << i;
        if (++taken % 16 == 0) assemble(model, options, loaded);  // may be refused, but must not read out of bounds
      } catch (const Error&) {
        ++refused;
      }
    }
  EXPECT_GT(taken, 100U);
  EXPECT_GT(refused, 100U);
}

TEST(SavedMeasurement, ALaterVersionIsToldApart) {
  const std::vector<OwnedTensor> owners = tensors_of_every_dtype(5);
  std::vector<std::byte> bytes = measurement_bytes(measure(model_of(owners), options_with({})));
  bytes[8] = std::byte{3};
  sign(bytes);
  EXPECT_EQ(code_of([&] { parse_measurement(bytes); }), ErrorCode::kUnsupported);
}

TEST(SavedMeasurement, NamesTheFile) {
  const fs::path path = fs::path(testing::TempDir()) / "pare-not-a-measurement";
  std::ofstream(path) << "something else";
  try {
    load_measurement(path);
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), path);
    EXPECT_EQ(error.code(), ErrorCode::kMalformed);
  }
  fs::remove(path);
}

}  // namespace
}  // namespace pare
