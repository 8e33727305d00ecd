// What the processes of a context's group do together. Every rank must call these functions in the same order; without
// a group they return at once. Traffic of a rank does not depend on the size of the group, but for gather() on rank 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pare/context.h"

namespace pare::base {

/// 1 without a group.
unsigned group_size(const Context& context) noexcept;
/// 0 without a group.
unsigned group_rank(const Context& context) noexcept;

/// Adds up the numbers of all ranks on rank 0. Each other rank sends one message, in which small numbers take a byte
/// and runs of zeros take two; its own numbers are left undefined. Throws Error (kMismatch) if the ranks disagree on
/// how many numbers there are; Interrupted.
void reduce(std::span<std::uint64_t> numbers, const Context& context);
/// The same, and every rank gets the sums.
void add_up(std::span<std::uint64_t> numbers, const Context& context);
/// Adds up the numbers of all ranks on the rank `root`, in an order that depends on the number of ranks and on `root`
/// alone. The numbers of other ranks are left undefined. Throws as the other reduce().
void reduce(std::span<double> numbers, unsigned root, const Context& context);
/// Gives every rank the bytes, or numbers, of rank 0, or of `root`.
void broadcast(std::vector<std::byte>& bytes, unsigned root, const Context& context);
inline void broadcast(std::vector<std::byte>& bytes, const Context& context) { broadcast(bytes, 0, context); }
void broadcast(std::span<std::uint64_t> numbers, const Context& context);
void broadcast(std::span<double> numbers, unsigned root, const Context& context);
/// Returns the bytes of every rank on rank 0, and nothing elsewhere.
std::vector<std::vector<std::byte>> gather(std::vector<std::byte> bytes, const Context& context);
/// Throws Error (kMismatch) on rank 0 if a rank has another number, a hash of what it has read: "SOURCE: rank 2 reads
/// other WHAT than rank 0".
void require_same(std::uint64_t hash, const std::string& source, std::string_view what, const Context& context);
/// Divides items of these sizes among `ranks` processes, largest first, each to the one with the least so far. Returns
/// the rank of each item.
std::vector<unsigned> share_out(std::span<const std::uint64_t> sizes, unsigned ranks);
/// Returns once every rank has called it.
void wait_for_all(const Context& context);

}  // namespace pare::base
