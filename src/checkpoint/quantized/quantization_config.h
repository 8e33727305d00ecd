// The entry of config.json that describes quantized weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pare::checkpoint {

/// What the layouts need of "quantization_config"; all of it may be absent.
struct QuantizationConfig {
  std::string method;                               ///< "quant_method": "fp8", "gptq", ...
  std::uint64_t block_rows = 0, block_columns = 0;  ///< "weight_block_size"
  std::optional<std::uint64_t> bits;                ///< "bits"
  std::optional<std::string> checkpoint_format;     ///< "checkpoint_format"
};

/// Reads the entry at the root of `config` or in its "text_config". A text that is not JSON has none: the reader of the
/// model reports it. Throws Error naming `path` for entries of wrong types.
QuantizationConfig parse_quantization_config(const std::string& config, const std::filesystem::path& path);

/// `config` without the entry, which would make transformers look for the stored form; unchanged if there is none.
std::string without_quantization_config(const std::string& config);

}  // namespace pare::checkpoint
