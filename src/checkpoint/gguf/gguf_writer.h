// The header of a GGUF file to be written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/gguf/gguf_metadata.h"
#include "checkpoint/gguf/gguf_types.h"

namespace pare::checkpoint {

/// Metadata as the file will hold them, in the order of the calls.
class GgufText {
 public:
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, std::uint32_t value);
  void add(std::string_view key, float value);
  void add_flag(std::string_view key, bool value);
  void add(std::string_view key, const std::vector<std::string>& values);
  void add(std::string_view key, const std::vector<std::int32_t>& values);
  void add(std::string_view key, const std::vector<float>& values);
  /// A value of another file.
  void add(std::string_view key, const GgufValue& value);

  const std::string& bytes() const noexcept { return bytes_; }
  std::uint64_t count() const noexcept { return count_; }

 private:
  void begin(std::string_view key, GgufKind kind);
  void begin_array(std::string_view key, GgufKind kind, std::uint64_t count);

  std::string bytes_;
  std::uint64_t count_ = 0;
};

struct GgufOutput {
  std::string name;
  const GgufType* type = nullptr;
  std::vector<std::uint64_t> shape;  ///< slowest axis first
  std::uint64_t offset = 0;          ///< in the file; set by gguf_header()

  std::uint64_t elements() const noexcept;
  std::uint64_t bytes() const noexcept;
};

/// Places the tensors one after another at multiples of 32 bytes. Returns the header, which ends where they begin.
std::string gguf_header(const GgufText& metadata, std::vector<GgufOutput>& tensors);

}  // namespace pare::checkpoint
