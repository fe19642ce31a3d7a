#include "memory.hpp"

#include <stdio.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "device.hpp"
#include "options.hpp"
#include "report.hpp"
#include "streams.hpp"

namespace cuda_on_cpu {

namespace {

const size_t kAlignment = 256;
const size_t kRedZone = 256;  // between blocks

size_t arena_used = kRedZone;
std::map<size_t, size_t> blocks;                    // offset to bytes
std::map<size_t, std::vector<size_t>> free_blocks;  // rounded bytes to offsets
bool copies = false;  // which may go from one device to another
struct CopyBetweenDevices {
  CopyBetweenDevices() { copies = true; }
  ~CopyBetweenDevices() { copies = false; }
};

size_t Rounded(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment + kRedZone;
}
size_t Words(size_t bytes) { return (bytes + kWord - 1) / kWord; }
char* StateOf(const void* pointer) {
  return word_states + OffsetInArena(pointer) / kWord;
}

// Rights of a processor's protection key are a thread's, and cost nothing to
// change. Those of pages are the process's, and cost a walk over all of them.
int NewKey() {
  const int key =
      GetOptions().protect == 1 ? pkey_alloc(0, PKEY_DISABLE_ACCESS) : -1;
  if (key >= 0 && pkey_mprotect(arena, kArena, PROT_READ | PROT_WRITE, key)) {
    perror("cuda_on_cpu: pkey_mprotect");
    std::abort();
  }
  return key;
}
int Key() {
  static const int key = NewKey();
  return key;
}
int& Accesses() {
  static int of_process = 0;
  static thread_local int of_thread = 0;
  return Key() < 0 ? of_process : of_thread;
}
void Allow(bool access) {
  if (!GetOptions().protect) return;
  if (Key() < 0) {
    const size_t page = 4096;
    mprotect(arena, (arena_used + page - 1) / page * page,
             access ? PROT_READ | PROT_WRITE : PROT_NONE);
  } else {
    pkey_set(Key(), access ? 0 : PKEY_DISABLE_ACCESS);
  }
}

}  // namespace

void* Map(size_t bytes, bool accessible) {
  void* map =
      mmap(nullptr, bytes, accessible ? PROT_READ | PROT_WRITE : PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) {
    perror("cuda_on_cpu: mmap");
    std::abort();
  }
  return map;
}

char* const arena = static_cast<char*>(Map(kArena, !GetOptions().protect));
char* const word_states = static_cast<char*>(Map(kArena / kWord, true));
char* const word_devices = static_cast<char*>(Map(kArena / kWord, true));

Access::Access() {
  if (Accesses()++ == 0) Allow(true);
}
Access::~Access() {
  if (--Accesses() == 0) Allow(false);
}

char* Allocate(size_t bytes) {
  const size_t rounded = Rounded(bytes);
  size_t offset;
  std::vector<size_t>& freed = free_blocks[rounded];
  if (!freed.empty()) {
    offset = freed.back();
    freed.pop_back();
  } else {
    const size_t most = std::min(kArena, size_t(GetOptions().memory_mib) << 20);
    if (rounded > most || arena_used > most - rounded) return nullptr;
    offset = arena_used;
    arena_used += rounded;
  }
  blocks[offset] = bytes;
  char* block = arena + offset;
  Access access;
  std::memset(block, 0xff, bytes);  // NaN
  std::memset(StateOf(block), kFresh, Words(bytes));
  std::memset(word_devices + OffsetInArena(block) / kWord, CurrentDevice(),
              Words(bytes));
  return block;
}

bool Free(void* pointer) {
  const auto block = blocks.find(OffsetInArena(pointer));
  if (block == blocks.end()) return false;
  std::memset(StateOf(pointer), kFree, Words(block->second));
  free_blocks[Rounded(block->second)].push_back(block->first);
  blocks.erase(block);
  return true;
}

bool CheckWords(const void* pointer, size_t bytes, WordState wanted,
                const void* pc) {
  const size_t offset = OffsetInArena(pointer);
  const char* end = word_states + (offset + bytes + kWord - 1) / kWord;
  const int device = word_devices[offset / kWord];
  for (const char* state = StateOf(pointer); state != end; ++state) {
    if (*state == kFree) {
      Report(pc, "device memory out of bounds: %zu bytes at %p", bytes,
             pointer);
      return false;
    }
    if (device != working_device && working_device >= 0 && !copies) {
      Report(pc, "device %d touches memory of device %d at %p", working_device,
             device, pointer);
      return true;
    }
    if (*state < wanted) {
      Report(pc, "device memory read that nothing wrote: %zu bytes at %p",
             bytes, pointer);
      return true;
    }
  }
  return true;
}

void Uses(const void* from, size_t bytes) {
  if (bytes == 0) return;
  if (OnDevice(from)) {
    CheckWords(from, bytes, kWritten, nullptr);
  } else {
    Report(nullptr, "a library reads host memory at %p", from);
  }
}

bool Defines(void* to, size_t bytes) {
  if (bytes == 0) return true;
  if (!OnDevice(to)) {
    Report(nullptr, "a library writes host memory at %p", to);
    return false;
  }
  if (!CheckWords(to, bytes, kFresh, nullptr)) return false;
  std::memset(StateOf(to), kWritten, Words(bytes));
  return true;
}

void Copy(void* to, const void* from, size_t bytes) {
  Access access;
  const CopyBetweenDevices between;
  if (OnDevice(from) && OnDevice(to)) {  // what nothing wrote stays so
    if (!CheckWords(from, bytes, kFresh, nullptr)) return;
    if (!CheckWords(to, bytes, kFresh, nullptr)) return;
    std::memmove(StateOf(to), StateOf(from), Words(bytes));
  } else if (OnDevice(from)) {
    Uses(from, bytes);
  } else if (OnDevice(to)) {
    if (!Defines(to, bytes)) return;
  }
  std::memmove(to, from, bytes);
}

}  // namespace cuda_on_cpu
