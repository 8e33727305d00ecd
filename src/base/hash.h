// XXH3 of bytes that are added piece by piece.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace pare::base {

class Hash64 {
 public:
  Hash64();
  void add(Bytes bytes);
  std::uint64_t value() const;
  std::string hex() const;  ///< 16 hexadecimal digits

 private:
  std::unique_ptr<void, void (*)(void*)> state_;
};

class Hash128 {
 public:
  Hash128();
  void add(Bytes bytes);
  std::string hex() const;  ///< 32 hexadecimal digits, as `xxhsum -H2` prints them

 private:
  std::unique_ptr<void, void (*)(void*)> state_;
};

}  // namespace pare::base
