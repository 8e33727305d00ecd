#include "base/hash.h"

#include <xxhash.h>

#include <cinttypes>
#include <cstdio>
#include <new>

namespace pare::base {
namespace {

void free_state(void* state) { XXH3_freeState(static_cast<XXH3_state_t*>(state)); }

XXH3_state_t* new_state() {
  XXH3_state_t* state = XXH3_createState();
  if (state == nullptr) throw std::bad_alloc();
  return state;
}

std::string digits_of(std::uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, value);
  return digits;
}

}  // namespace

Hash64::Hash64() : state_(new_state(), free_state) { XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_.get())); }

void Hash64::add(Bytes bytes) {
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state_.get()), bytes.data(), bytes.size());
}

std::uint64_t Hash64::value() const { return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_.get())); }

std::string Hash64::hex() const { return digits_of(value()); }

Hash128::Hash128() : state_(new_state(), free_state) { XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_.get())); }

void Hash128::add(Bytes bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_.get()), bytes.data(), bytes.size());
}

std::string Hash128::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_.get()));
  return digits_of(hash.high64) + digits_of(hash.low64);
}

}  // namespace pare::base
