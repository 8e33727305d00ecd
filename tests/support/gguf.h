// Writes small GGUF files for tests, right or wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace pare::test {

class GgufBuilder {
 public:
  explicit GgufBuilder(std::uint32_t version = 3) : version_(version) {}

  template <class T>
  static std::string number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
  }
  static std::string text(const std::string& value) { return number<std::uint64_t>(value.size()) + value; }

  /// Adds a metadata value of a type, with the bytes that follow the type.
  void raw(const std::string& key, std::uint32_t type, const std::string& bytes) {
    metadata_ += text(key) + number(type) + bytes;
    ++values_;
  }
  void add(const std::string& key, const std::string& value) { raw(key, 8, text(value)); }
  void add(const std::string& key, std::uint32_t value) { raw(key, 4, number(value)); }
  void add(const std::string& key, float value) { raw(key, 6, number(value)); }
  void add(const std::string& key, bool value) { raw(key, 7, number<std::uint8_t>(value)); }
  void add(const std::string& key, std::uint16_t value) { raw(key, 2, number(value)); }
  void add(const std::string& key, const std::vector<std::string>& values) {
    std::string bytes = number<std::uint32_t>(8) + number<std::uint64_t>(values.size());
    for (const std::string& value : values) bytes += text(value);
    raw(key, 9, bytes);
  }
  void add(const std::string& key, const std::vector<std::int32_t>& values) {
    std::string bytes = number<std::uint32_t>(5) + number<std::uint64_t>(values.size());
    for (const std::int32_t value : values) bytes += number(value);
    raw(key, 9, bytes);
  }
  void add(const std::string& key, const std::vector<float>& values) {
    std::string bytes = number<std::uint32_t>(6) + number<std::uint64_t>(values.size());
    for (const float value : values) bytes += number(value);
    raw(key, 9, bytes);
  }

  /// Adds a tensor whose axes are in the order of the file (fastest first), at the next aligned offset.
  void tensor(const std::string& name, std::uint32_t type, const std::vector<std::uint64_t>& axes,
              const std::string& data) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    tensor_at(name, type, axes, data_.size());
    data_ += data;
  }
  void tensor_at(const std::string& name, std::uint32_t type, const std::vector<std::uint64_t>& axes,
                 std::uint64_t offset) {
    tensors_ += text(name) + number<std::uint32_t>(static_cast<std::uint32_t>(axes.size()));
    for (const std::uint64_t axis : axes) tensors_ += number(axis);
    tensors_ += number(type) + number(offset);
    ++count_;
  }

  std::string file() const {
    std::string bytes = "GGUF" + number(version_) + number(count_ + more_tensors) + number(values_ + more_values) +
                        metadata_ + tensors_;
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return bytes + data_;
  }

  std::uint64_t alignment = 32;
  std::uint64_t more_tensors = 0, more_values = 0;  ///< added to the counts that the file declares

 private:
  std::uint32_t version_;
  std::string metadata_, tensors_, data_;
  std::uint64_t values_ = 0, count_ = 0;
};

}  // namespace pare::test
