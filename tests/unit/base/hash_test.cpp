// The values are those of `xxhsum -H3` and `xxhsum -H2`.
#include "base/hash.h"

#include <gtest/gtest.h>

namespace pare::base {
namespace {

template <class Hash>
std::string hex_of(std::initializer_list<std::string_view> pieces) {
  Hash hash;
  for (const std::string_view piece : pieces) hash.add(std::as_bytes(std::span(piece)));
  return hash.hex();
}

TEST(Hash, OfNothing) {
  EXPECT_EQ(hex_of<Hash64>({}), "2d06800538d394c2");
  EXPECT_EQ(hex_of<Hash64>({""}), "2d06800538d394c2");
  EXPECT_EQ(hex_of<Hash128>({}), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, OfPiecesIsOfTheWhole) {
  EXPECT_EQ(hex_of<Hash64>({"spar", "", "sity"}), hex_of<Hash64>({"sparsity"}));
  EXPECT_NE(hex_of<Hash64>({"sparsity"}), hex_of<Hash64>({"sparsitY"}));
  EXPECT_EQ(hex_of<Hash128>({"spar", "", "sity"}), hex_of<Hash128>({"sparsity"}));
  EXPECT_NE(hex_of<Hash128>({"sparsity"}), hex_of<Hash128>({"sparsitY"}));
}

TEST(Hash, ValueIsTheDigits) {
  Hash64 hash;
  EXPECT_EQ(hash.value(), 0x2d06800538d394c2U);
}

}  // namespace
}  // namespace pare::base
