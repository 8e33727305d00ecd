// Memory of activations: what a thread frees, it gets again.
#include "base/spare_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <thread>
#include <vector>

namespace pare::base {
namespace {

TEST(SpareMemory, AThreadGetsTheBlockThatItFreedLast) {
  constexpr std::size_t kSize = 100'000;
  void *first = take_memory(kSize), *second = take_memory(kSize);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0U);
  EXPECT_NE(first, second);
  give_back_memory(first, kSize);
  give_back_memory(second, kSize);
  EXPECT_EQ(take_memory(kSize + 1), second) << "a block of about the same size";
  EXPECT_EQ(take_memory(kSize), first);
  void* other = take_memory(3 * kSize);
  EXPECT_NE(other, first);
  give_back_memory(first, kSize);
  give_back_memory(second, kSize);
  give_back_memory(other, 3 * kSize);
}

TEST(SpareMemory, BlocksMayBeGivenBackOnAnyThreadAndInAnyNumber) {
  constexpr std::size_t kSize = std::size_t{8} << 20;
  std::vector<void*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(take_memory(kSize));
  std::thread([&] {
    for (void* block : blocks) give_back_memory(block, kSize);
  }).join();
  void* small = take_memory(1);
  EXPECT_NE(small, nullptr);
  give_back_memory(small, 1);
}

TEST(SpareMemory, ASizeThatNoMemoryHasIsAnError) { EXPECT_THROW(take_memory(SIZE_MAX), std::bad_alloc); }

}  // namespace
}  // namespace pare::base
