#include "accesses.hpp"

#include <link.h>

#include <unordered_map>
#include <vector>

#include "block.hpp"
#include "memory.hpp"
#include "report.hpp"

namespace cuda_on_cpu {

namespace {

const unsigned kNobody = ~0u, kSeveral = ~0u - 1;

// Who touched a word in this launch, or in this block where it is shared. A
// block's barriers part its epochs; nothing orders two blocks.
struct Cell {
  unsigned serial;
  unsigned write_block, write_thread, write_epoch;
  unsigned read_block, read_thread, read_epoch;
  bool write_atomic, written;
};
Cell* const cells =
    static_cast<Cell*>(Map(kArena / kWord * sizeof(Cell), true));

// Of the memory that programs and libraries bring along.
struct Range {
  const char *begin, *end;
  bool writable;
};
int AddRanges(dl_phdr_info* info, size_t, void* ranges) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) & header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const char* begin =
        reinterpret_cast<char*>(info->dlpi_addr + header.p_vaddr);
    static_cast<std::vector<Range>*>(ranges)->push_back(
        {begin, begin + header.p_memsz, (header.p_flags & PF_W) != 0});
  }
  return 0;
}
const std::vector<Range>& Modules() {
  static const std::vector<Range> ranges = [] {
    std::vector<Range> found;
    dl_iterate_phdr(AddRanges, &found);
    return found;
  }();
  return ranges;
}

bool Within(const void* pointer, const void* begin, size_t bytes) {
  return static_cast<size_t>(static_cast<const char*>(pointer) -
                             static_cast<const char*>(begin)) < bytes;
}

void ReportRaces(const Cell& cell, bool write, bool atomic, const void* address,
                 const void* pc) {
  const Running& now = running;
  const bool other_writer =
      cell.write_block != now.block ||
      (cell.write_epoch == now.epoch && cell.write_thread != now.thread);
  if (cell.write_block != kNobody && other_writer &&
      !(cell.write_atomic && atomic)) {
    Report(pc, "race: %s of %p after a write by thread %u of block %u",
           write ? "write" : "read", address, cell.write_thread,
           cell.write_block);
  }
  const bool other_reader =
      cell.read_block != now.block ||
      (cell.read_epoch == now.epoch && cell.read_thread != now.thread);
  if (write && cell.read_block != kNobody && other_reader) {
    Report(pc, "race: write of %p after a read by thread %d of block %d",
           address, static_cast<int>(cell.read_thread),
           static_cast<int>(cell.read_block));
  }
}

void Remember(Cell* cell, bool write, bool atomic) {
  const Running& now = running;
  if (write) {
    cell->write_block = now.block;
    cell->write_thread = now.thread;
    cell->write_epoch = now.epoch;
    cell->write_atomic = atomic;
    cell->written = true;
  } else if (cell->read_block == kNobody) {
    cell->read_block = now.block;
    cell->read_thread = now.thread;
    cell->read_epoch = now.epoch;
  } else if (cell->read_block != now.block) {
    cell->read_block = kSeveral;
  } else if (cell->read_epoch != now.epoch) {
    cell->read_thread = now.thread;
    cell->read_epoch = now.epoch;
  } else if (cell->read_thread != now.thread) {
    cell->read_thread = kSeveral;
  }
}

void Race(Cell* cell, unsigned serial, bool write, bool atomic,
          const void* address, const void* pc) {
  if (cell->serial != serial) {
    *cell = {serial, kNobody, 0, 0, kNobody, 0, 0, false, false};
  }
  ReportRaces(*cell, write, atomic, address, pc);
  Remember(cell, write, atomic);
}

void TouchDevice(const char* p, size_t bytes, bool write, bool atomic,
                 const void* pc) {
  if (!CheckWords(p, bytes, write ? kFresh : kWritten, pc)) return;
  const size_t offset = OffsetInArena(p);
  for (size_t w = offset / kWord; w < (offset + bytes + kWord - 1) / kWord;
       ++w) {
    if (write) word_states[w] = kWritten;
    Race(&cells[w], running.launch, write, atomic, p, pc);
  }
}

void TouchShared(const char* p, size_t bytes, bool write, bool atomic,
                 const void* pc) {
  static std::unordered_map<size_t, Cell> shared;
  const size_t first = reinterpret_cast<size_t>(p);
  for (size_t w = first / kWord; w < (first + bytes + kWord - 1) / kWord; ++w) {
    Cell* cell = &shared[w];
    if (!write && (cell->serial != running.block_serial || !cell->written)) {
      Report(pc, "shared memory read that its block has not written: %p", p);
    }
    Race(cell, running.block_serial, write, atomic, p, pc);
  }
}

struct OutOfKernel {  // what the device does itself is not checked
  OutOfKernel() { in_kernel = false; }
  ~OutOfKernel() { in_kernel = true; }
};

}  // namespace

void Touch(const void* pointer, size_t bytes, bool write, bool atomic,
           const void* pc) {
  const char* p = static_cast<const char*>(pointer);
  if (!in_kernel) {
    if (OnDevice(p) && running.kernel == nullptr) {
      Report(pc, "the host %s device memory at %p", write ? "writes" : "reads",
             pointer);
    }
    return;
  }
  if (Within(p, running.stack, kStack) ||
      Within(p, &builtins, sizeof builtins) ||
      Within(p, running.call, running.call->size)) {
    return;
  }
  const OutOfKernel out;
  if (OnDevice(p)) {
    TouchDevice(p, bytes, write, atomic, pc);
    return;
  }
  if (Within(p, stacks, kMostThreads * kStack)) {
    Report(pc, "another thread's local memory at %p", pointer);
    return;
  }
  for (const Range& range : Modules()) {
    if (p < range.begin || p >= range.end) continue;
    if (range.writable) TouchShared(p, bytes, write, atomic, pc);
    return;  // what is not writable is a constant
  }
  Report(pc, "a kernel %s host memory at %p", write ? "writes" : "reads",
         pointer);
}

void Atomic(void* address, int bytes) {
  Touch(address, bytes, true, true, __builtin_return_address(0));
}

}  // namespace cuda_on_cpu
