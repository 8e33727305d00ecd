// The only source that is compiled and linked with MPI: a module that pare loads under mpirun.
#include <mpi.h>

#include "base/mpi_calls.h"

namespace {

constexpr int kTag = 1;

void* start_send(int to, const void* bytes, std::size_t size) {
  auto* request = new MPI_Request;
  MPI_Isend(bytes, static_cast<int>(size), MPI_BYTE, to, kTag, MPI_COMM_WORLD, request);
  return request;
}

bool send_done(void* handle) {
  auto* request = static_cast<MPI_Request*>(handle);
  int done = 0;
  MPI_Test(request, &done, MPI_STATUS_IGNORE);
  if (done == 0) return false;
  delete request;
  return true;
}

std::int64_t arrived(int from) {
  int found = 0, size = 0;
  MPI_Status status;
  MPI_Iprobe(from, kTag, MPI_COMM_WORLD, &found, &status);
  if (found == 0) return -1;
  MPI_Get_count(&status, MPI_BYTE, &size);
  return size;
}

void receive(int from, void* bytes, std::size_t size) {
  MPI_Recv(bytes, static_cast<int>(size), MPI_BYTE, from, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

void finish() { MPI_Finalize(); }
void abort_all(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

}  // namespace

extern "C" bool pare_start_mpi(pare::base::MpiCalls* calls) {
  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) return false;
  MPI_Comm_rank(MPI_COMM_WORLD, &calls->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &calls->size);
  calls->start_send = start_send;
  calls->send_done = send_done;
  calls->arrived = arrived;
  calls->receive = receive;
  calls->finish = finish;
  calls->abort = abort_all;
  return true;
}
