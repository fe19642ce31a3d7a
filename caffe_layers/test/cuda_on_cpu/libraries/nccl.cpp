// The part of NCCL that Caffe calls, for host threads of one process.
//
// A collective call of a rank puts two things on its stream: what it gives,
// and, as soon as all ranks have called, what it takes, which waits for what
// the others give. So the host waits for the other hosts, which NCCL's does
// not; streams keep their order as there. Sums are in the order of ranks.

#include "nccl.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device.hpp"
#include "memory.hpp"
#include "options.hpp"
#include "report.hpp"
#include "streams.hpp"

namespace cuda_on_cpu {

namespace {

// What one collective call of all ranks is about.
struct Collective {
  std::string what;  // of the first rank that called
  bool agreed = true;
  int arrived = 0, taken = 0;
  std::vector<std::vector<char>> given;  // by rank
  std::vector<Event> when;               // each is on its stream
};

}  // namespace

struct Group {
  explicit Group(int ranks) : ranks(ranks) {}
  const int ranks;
  std::mutex mutex;
  std::condition_variable all_here;
  std::map<long, Collective> collectives;  // by number
  int joined = 0;
};

struct Rank {
  std::shared_ptr<Group> group;
  int rank;
  long calls = 0;
};

namespace {

size_t SizeOf(ncclDataType_t type) { return type == ncclFloat ? 4 : 8; }

// The number of this call, once every rank has come to it; gives what the
// caller gives, or nothing.
Collective* Meet(Rank* self, const std::string& what, const void* gives,
                 size_t bytes, cudaStream_t stream) {
  Group* const group = self->group.get();
  const long number = self->calls++;
  Collective* call;
  {
    std::lock_guard<std::mutex> lock(group->mutex);
    call = &group->collectives[number];
    if (call->what.empty()) {
      call->what = what;
      call->given.resize(group->ranks);
      call->when.resize(group->ranks);
    } else if (call->what != what) {
      call->agreed = false;
      Report(nullptr, "collective %ld: rank %d calls %s, another one %s",
             number, self->rank, what.c_str(), call->what.c_str());
    }
  }
  if (gives != nullptr) {
    std::vector<char>* given = &call->given[self->rank];
    given->resize(bytes);
    Enqueue(stream, [=] {
      Uses(gives, bytes);
      std::memcpy(given->data(), gives, bytes);
    });
  }
  DeviceLock device(device_mutex);
  call->when[self->rank].stream = Queue(stream);
  call->when[self->rank].ticket = Ticket(stream);
  return call;
}

bool WaitForAll(Rank* self, Collective* call) {
  Group* const group = self->group.get();
  const std::chrono::seconds patience(GetOptions().patience);
  std::unique_lock<std::mutex> lock(group->mutex);
  ++call->arrived;
  group->all_here.notify_all();
  if (group->all_here.wait_for(lock, patience,
                               [=] { return call->arrived == group->ranks; })) {
    return true;
  }
  Report(nullptr, "rank %d waits for %d of %d ranks to call %s", self->rank,
         group->ranks - call->arrived, group->ranks, call->what.c_str());
  return false;
}

// Puts on the stream what the rank takes of what all have given.
template <typename Take>
ncclResult_t Collect(Rank* self, Collective* call, void* to, size_t bytes,
                     cudaStream_t stream, Take take) {
  if (!WaitForAll(self, call)) return ncclInvalidArgument;
  const std::shared_ptr<Group> group = self->group;
  const long number = self->calls - 1;
  Enqueue(stream, [=] {
    for (const Event& event : call->when) DrainTo(event.stream, event.ticket);
    if (Defines(to, bytes) && call->agreed) take(call->given);
    std::lock_guard<std::mutex> lock(group->mutex);
    if (++call->taken == group->ranks) group->collectives.erase(number);
  });
  return ncclSuccess;
}

template <typename T>
void Sum(const std::vector<std::vector<char>>& given, size_t count, T* to) {
  std::memcpy(to, given[0].data(), count * sizeof(T));
  for (size_t rank = 1; rank < given.size(); ++rank) {
    const T* from = reinterpret_cast<const T*>(given[rank].data());
    for (size_t i = 0; i < count; ++i) to[i] += from[i];
  }
}

std::string Named(const char* call, size_t count, ncclDataType_t type) {
  return std::string(call) + " of " + std::to_string(count) + " numbers of " +
         std::to_string(SizeOf(type)) + " bytes";
}

}  // namespace

}  // namespace cuda_on_cpu

using cuda_on_cpu::Collective;
using cuda_on_cpu::Group;
using cuda_on_cpu::Rank;

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclSuccess ? "no error" : "invalid argument";
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static std::mutex mutex;
  static int ids = 0;
  std::lock_guard<std::mutex> lock(mutex);
  std::memset(id, 0, sizeof *id);
  std::memcpy(id, &++ids, sizeof ids);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id,
                              int rank) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<Group>> groups;
  if (rank < 0 || rank >= ranks) return ncclInvalidArgument;
  std::shared_ptr<Group> group;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto& known = groups[std::string(id.internal, sizeof id.internal)];
    if (!known) known = std::make_shared<Group>(ranks);
    group = known;
  }
  if (group->ranks != ranks) return ncclInvalidArgument;
  std::unique_lock<std::mutex> lock(group->mutex);
  ++group->joined;
  group->all_here.notify_all();
  group->all_here.wait(lock, [&] { return group->joined >= ranks; });
  *comm = new Rank{group, rank};
  return ncclSuccess;
}

ncclResult_t ncclCommInitAll(ncclComm_t* comms, int ranks, const int*) {
  const auto group = std::make_shared<Group>(ranks);
  for (int rank = 0; rank < ranks; ++rank) comms[rank] = new Rank{group, rank};
  return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclBcast(void* buffer, size_t count, ncclDataType_t type,
                       int root, ncclComm_t comm, cudaStream_t stream) {
  const size_t bytes = count * cuda_on_cpu::SizeOf(type);
  const std::string what = cuda_on_cpu::Named("ncclBcast", count, type);
  Collective* const call = cuda_on_cpu::Meet(
      comm, what, comm->rank == root ? buffer : nullptr, bytes, stream);
  return cuda_on_cpu::Collect(comm, call, buffer, bytes, stream,
                              [=](const auto& given) {
                                std::memcpy(buffer, given[root].data(), bytes);
                              });
}

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count,
                           ncclDataType_t type, ncclRedOp_t, ncclComm_t comm,
                           cudaStream_t stream) {
  const size_t bytes = count * cuda_on_cpu::SizeOf(type);
  Collective* const call =
      cuda_on_cpu::Meet(comm, cuda_on_cpu::Named("ncclAllReduce", count, type),
                        from, bytes, stream);
  return cuda_on_cpu::Collect(
      comm, call, to, bytes, stream, [=](const auto& given) {
        if (type == ncclFloat) {
          cuda_on_cpu::Sum(given, count, static_cast<float*>(to));
        } else {
          cuda_on_cpu::Sum(given, count, static_cast<double*>(to));
        }
      });
}
