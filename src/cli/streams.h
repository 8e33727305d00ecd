// The two streams. Only src/cli writes to them.
#pragma once

#include <string_view>

namespace pare::cli {

/// From now on, print() and print_note() do nothing: for all ranks of a group but one.
void silence() noexcept;

/// Writes all of `text` to standard output. Throws Error if that fails (a full disk, a closed
/// stream); if the reader of a pipe has closed it, the program ends quietly, as by SIGPIPE.
void print(std::string_view text);
/// One line "pare: note: TEXT" on standard error; control characters are taken out.
void print_note(std::string_view text);
/// One line "pare: TEXT" on standard error.
void print_error(std::string_view text);

/// Points closed standard streams at /dev/null: a checkpoint must never be opened as descriptor 2.
void reserve_standard_streams();

}  // namespace pare::cli
