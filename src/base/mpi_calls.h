// The interface between pare and the module that is linked with MPI. It has C types only, so that neither side depends
// on the other's libraries: pare loads the module only if mpirun started the process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::base {

/// Messages are at most kLargestFrame bytes. Called by one thread at a time.
struct MpiCalls {
  int rank, size;
  /// Starts to send; returns a handle that send_done() frees. The bytes must stay until then.
  void* (*start_send)(int to, const void* bytes, std::size_t size);
  bool (*send_done)(void* handle);
  /// Size of the next message of rank `from`, or -1 if none has arrived.
  std::int64_t (*arrived)(int from);
  void (*receive)(int from, void* bytes, std::size_t size);
  /// Waits for all ranks.
  void (*finish)();
  void (*abort)(int status);
};

inline constexpr std::size_t kLargestFrame = std::size_t{64} << 20;
inline constexpr const char* kMpiModule = "pare_mpi.so";
/// `extern "C" int pare_start_mpi(MpiCalls*)`: fills the calls; false if MPI could not be started.
inline constexpr const char* kStartMpi = "pare_start_mpi";
using StartMpi = bool (*)(MpiCalls*);

}  // namespace pare::base
