// Loads the module for MPI and sends messages through it.
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/mpi_calls.h"
#include "pare/error.h"
#include "pare/process_group.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

/// Waits a little longer each time, so that a rank that waits leaves the cores to those that work.
class Patience {
 public:
  void wait() {
    if (++rounds_ <= 50) return std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(20 * (rounds_ - 50), 2000)));
  }

 private:
  int rounds_ = 0;
};

/// A message is its size and then frames of at most kLargestFrame bytes.
class MpiGroup final : public ProcessGroup {
 public:
  explicit MpiGroup(const base::MpiCalls& calls) : calls_(calls) {}
  ~MpiGroup() override { calls_.finish(); }

  unsigned rank() const noexcept override { return static_cast<unsigned>(calls_.rank); }
  unsigned size() const noexcept override { return static_cast<unsigned>(calls_.size); }
  void abort(int status) noexcept override {
    calls_.abort(status);
    std::_Exit(status);
  }

 private:
  void do_send(unsigned to, std::span<const std::byte> bytes, const Context& context) override {
    const std::uint64_t size = bytes.size();
    send_frame(to, std::as_bytes(std::span(&size, 1)), context);
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), base::kLargestFrame)))
      send_frame(to, bytes.first(std::min(bytes.size(), base::kLargestFrame)), context);
  }

  void send_frame(unsigned to, std::span<const std::byte> frame, const Context& context) {
    void* handle = calls_.start_send(static_cast<int>(to), frame.data(), frame.size());
    for (Patience patience; !calls_.send_done(handle); patience.wait()) context.check();
  }

  std::vector<std::byte> do_receive(unsigned from, const Context& context) override {
    std::uint64_t size = 0;
    receive_frame(from, std::as_writable_bytes(std::span(&size, 1)), context);
    std::vector<std::byte> bytes(size);
    for (std::size_t begin = 0; begin < size; begin += base::kLargestFrame)
      receive_frame(from, std::span(bytes).subspan(begin, std::min(size - begin, base::kLargestFrame)), context);
    return bytes;
  }

  void receive_frame(unsigned from, std::span<std::byte> frame, const Context& context) {
    std::int64_t arrived = -1;
    for (Patience patience; (arrived = calls_.arrived(static_cast<int>(from))) < 0; patience.wait()) context.check();
    if (static_cast<std::uint64_t>(arrived) != frame.size())
      throw Error(ErrorCode::kMismatch, fmt::format("rank {} sent a message of another size (expected {} bytes, found "
                                                    "{}); all ranks must run the same pare",
                                                    from, frame.size(), arrived));
    calls_.receive(static_cast<int>(from), frame.data(), frame.size());
  }

  base::MpiCalls calls_;
};

/// How many processes mpirun started: the variables of Open MPI, and of MPICH and its kin.
unsigned processes_started() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char* text = std::getenv(variable)) return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
  return 1;
}

/// Beside the program, as built, or where it is installed.
void* open_module() {
  std::error_code failure;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failure).parent_path();
  for (const fs::path& place : {folder, folder.parent_path() / PARE_LIBDIR / "pare"})
    if (void* module = ::dlopen((place / base::kMpiModule).c_str(), RTLD_NOW | RTLD_GLOBAL)) return module;
  return nullptr;
}

}  // namespace

std::shared_ptr<ProcessGroup> group_of_mpirun() {
  const unsigned processes = processes_started();
  if (processes <= 1) return nullptr;
  void* module = open_module();
  void* start = module == nullptr ? nullptr : ::dlsym(module, base::kStartMpi);
  if (start == nullptr)
    throw Error(ErrorCode::kUnavailable,
                fmt::format("started as one of {} processes, but this pare was built without MPI or {} cannot be "
                            "loaded",
                            processes, base::kMpiModule));
  base::MpiCalls calls{};
  if (!reinterpret_cast<base::StartMpi>(start)(&calls))
    throw Error(ErrorCode::kUnavailable, "MPI could not be started");
  return std::make_shared<MpiGroup>(calls);
}

}  // namespace pare
