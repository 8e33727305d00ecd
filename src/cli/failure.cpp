#include "cli/failure.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <exception>

#include "cli/streams.h"
#include "pare/json.h"

namespace pare::cli {
namespace {

bool asks_for_json(std::string_view argument, std::string_view next) noexcept {
  return argument == "--json" || argument == "--format=json" || (argument == "--format" && next == "json");
}

}  // namespace

FailureReport::FailureReport(int argc, char** argv) noexcept {
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i)
    json_ = json_ || asks_for_json(argv[i], i + 1 < argc ? argv[i + 1] : "");
}

void FailureReport::name_rank(unsigned rank) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  rank_ = fmt::format("rank {} on {}: ", rank, host.data());
}

void FailureReport::print(std::string_view code, std::string_view message, const std::string& file,
                          const std::string& tensor) const noexcept {
  try {
    print_error(rank_.empty() ? std::string(message) : rank_ + std::string(message));
    if (json_) cli::print(error_json(code, message, file, tensor));
  } catch (const std::exception&) {  // standard output cannot be written, or memory is exhausted: the line must suffice
  }
}

void FailureReport::print(const Error& error) const noexcept {
  try {
    print(error_code_name(error.code()), error.what(), error.file().string(), error.tensor());
  } catch (const std::exception&) {  // no memory for the name of the file
    print(error_code_name(error.code()), error.what());
  }
}

}  // namespace pare::cli
