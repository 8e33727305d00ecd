// Prints names, dtypes, shapes and mean magnitudes of a model's parameters: read_tensors MODEL
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "pare/model.h"

namespace {

std::string shape_text(const pare::TensorView& tensor) {
  std::string text;
  for (const auto side : tensor.shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text.empty() ? "scalar" : text;
}

/// The bytes are little-endian and row-major. They lie in a memory map, or are decoded by this call if the file is
/// packed.
double mean_magnitude(const pare::TensorView& tensor) {
  const std::byte* bytes = tensor.bytes.data();
  double sum = 0;
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    float value = 0;
    std::memcpy(&value, bytes + i * sizeof value, sizeof value);
    sum += std::fabs(value);
  }
  return sum / static_cast<double>(tensor.elements());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: read_tensors MODEL\n");
    return 2;
  }
  try {
    const pare::Model model = pare::open_model(argv[1]);
    std::printf("%s, %zu parameters\n", model.architecture.c_str(), model.parameters.size());
    for (const pare::Parameter& parameter : model.parameters) {
      const pare::TensorView& tensor = model.tensor(parameter);
      std::printf("%-40s %-4s %-14s", parameter.name.c_str(), std::string(pare::dtype_name(tensor.dtype)).c_str(),
                  shape_text(tensor).c_str());
      if (tensor.dtype == pare::DType::kF32) std::printf("  mean magnitude %.6f", mean_magnitude(tensor));
      std::printf("\n");
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
