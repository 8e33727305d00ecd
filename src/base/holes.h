// Holes of mapped files: ranges that were never written, take no disk space and read as zeros. Reading zeros from
// elsewhere gives the same bytes and fills no page cache.
#pragma once

#include <cstddef>

namespace pare::base {

/// Notes the holes of a file that is mapped at `data`, if the file system tells of them. The offset of `descriptor` is
/// changed.
void note_holes(int descriptor, const std::byte* data, std::size_t size);
/// Before the file is unmapped.
void forget_holes(const std::byte* data) noexcept;
/// Whether all these bytes lie in one hole of a mapped file. Fast where no mapped file has any.
bool is_hole(const std::byte* data, std::size_t size) noexcept;

}  // namespace pare::base
