// Device memory: one range of addresses, of which the host may touch nothing,
// with a state for each word of four bytes.
#ifndef CUDA_ON_CPU_MEMORY_HPP_
#define CUDA_ON_CPU_MEMORY_HPP_

#include <cstddef>
#include <cstdint>

namespace cuda_on_cpu {

const size_t kArena = size_t(1) << 34;
const size_t kWord = 4;
extern char* const arena;

enum WordState : char { kFree, kFresh, kWritten };
extern char* const word_states;
/// The device that a word was allocated on.
extern char* const word_devices;

/// Address space that takes no memory before it is written.
void* Map(size_t bytes, bool accessible);

inline size_t OffsetInArena(const void* pointer) {
  return static_cast<const char*>(pointer) - arena;
}
inline bool OnDevice(const void* pointer) {
  return OffsetInArena(pointer) < kArena;
}

/// Device memory may be touched while one of these lives.
struct Access {
  Access();
  ~Access();
};

/// Null where no memory is left.
char* Allocate(size_t bytes);
/// False where pointer is no block's.
bool Free(void* pointer);

/// Reports words that are outside every block, or of another device than the
/// one that works, or are wanted kWritten and are not; false for the first.
bool CheckWords(const void* pointer, size_t bytes, WordState wanted,
                const void* pc);
/// Device to host, host to device, or within the device.
void Copy(void* to, const void* from, size_t bytes);

}  // namespace cuda_on_cpu

#endif  // CUDA_ON_CPU_MEMORY_HPP_
