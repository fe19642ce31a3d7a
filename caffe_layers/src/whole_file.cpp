#include "drdl/whole_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "drdl/input_error.hpp"

namespace drdl {

namespace {

std::string Advice(int reason) {
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
      return "make room, or name a place with room; the earlier file is as it "
             "was";
    case EACCES:
    case EPERM:
    case EROFS:
      return "name a folder that you may write to";
    case ENOENT:
    case ENOTDIR:
      return "make the folder; relative paths start at the current folder";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f), or name another place";
    default:
      return "name another place";
  }
}

// Descriptors are given back whatever way a function ends.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  operator int() const { return number_; }

 private:
  int number_;
};

// The parts of this file that killed processes left.
void DeletePartsOfTheDead(const std::string& folder, const std::string& start) {
  DIR* open = opendir(folder.empty() ? "." : folder.c_str());
  if (!open) return;
  while (const dirent* entry = readdir(open)) {
    const std::string name = entry->d_name;
    if (name.compare(0, start.size(), start) != 0) continue;
    char* rest;
    const int64_t process = strtoll(name.c_str() + start.size(), &rest, 10);
    if (process > 0 && strcmp(rest, ".part") == 0 && kill(process, 0) != 0 &&
        errno == ESRCH) {
      unlink((folder + name).c_str());
    }
  }
  closedir(open);
}

// The heads: a magic text, the whole file's size, the CRC-32 of what follows.
// For a proto it is field 1000 of NetParameter and SolverState (`seal`), with
// a fixed64 and a fixed32 in it.
struct Head {
  const char* before;
  size_t before_size;
  const char* between;
  size_t between_size;
  size_t whole;  // with padding
};
constexpr Head kHeads[] = {
    {"\xC2\x3E\x0E\x09", 4, "\x15", 1, 17},
    {"DRDL seal 1\n", 12, "\n", 1, 512},
};

template <typename Integer>
void Put(Integer value, std::string* bytes) {
  for (size_t i = 0; i < sizeof(value); ++i) {
    bytes->push_back(static_cast<char>(value >> (8 * i)));
  }
}

template <typename Integer>
Integer Get(const char* bytes) {
  Integer value = 0;
  for (size_t i = 0; i < sizeof(value); ++i) {
    value |= static_cast<Integer>(static_cast<unsigned char>(bytes[i]))
             << (8 * i);
  }
  return value;
}

std::string Written(const Head& head, uint64_t size, uint32_t crc) {
  std::string bytes(head.before, head.before_size);
  Put(size, &bytes);
  bytes.append(head.between, head.between_size);
  Put(crc, &bytes);
  bytes.resize(head.whole, '\0');
  return bytes;
}

// From the offset to the end; negative where reading failed.
int64_t Checksum(int descriptor, int64_t offset, uint32_t* crc) {
  std::vector<unsigned char> buffer(1 << 18);
  uLong sum = crc32(0, Z_NULL, 0);
  for (;;) {
    const ssize_t got = pread(descriptor, buffer.data(), buffer.size(), offset);
    if (got < 0) return -1;
    if (got == 0) break;
    sum = crc32(sum, buffer.data(), got);
    offset += got;
  }
  *crc = sum;
  return offset;
}

}  // namespace

namespace {

/// Whether a path is one of a process's own pipes, as the shell's <(command)
/// gives them: somebody is at the other end.
bool IsOwnPipe(const std::string& path) {
  for (const char* start : {"/dev/fd/", "/dev/std", "/proc/"}) {
    if (path.compare(0, strlen(start), start) == 0) return true;
  }
  return false;
}

}  // namespace

WholeFile::WholeFile(const std::string& path)
    : path_(path), target_(path), descriptor_(-1) {
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved)) target_ = resolved;
  struct stat found;
  const bool there = stat(target_.c_str(), &found) == 0;
  if (there && S_ISDIR(found.st_mode)) {
    errno = EISDIR;
    Fail();
  }
  if (there && S_ISFIFO(found.st_mode) && !IsOwnPipe(path)) {
    throw InputError("a pipe, which may have no reader", path, "name a file");
  }
  if (there && !S_ISREG(found.st_mode)) {
    descriptor_ = open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    const size_t name = target_.find_last_of('/') + 1;
    const std::string folder = target_.substr(0, name);
    const std::string start = "." + target_.substr(name) + ".";
    DeletePartsOfTheDead(folder, start);
    part_ = folder + start + std::to_string(getpid()) + ".part";
    descriptor_ =
        open(part_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  }
  if (descriptor_ < 0) {
    part_.clear();
    Fail();
  }
}

WholeFile::~WholeFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!part_.empty()) unlink(part_.c_str());
}

void WholeFile::Fail() const {
  const int reason = errno;
  throw InputError(std::string("cannot write the file: ") + strerror(reason),
                   path_, Advice(reason));
}

void WholeFile::Write(const void* data, size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t done = write(descriptor_, next, size);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) Fail();
    next += done;
    size -= done;
  }
}

void WholeFile::WriteAt(const void* data, size_t size, int64_t offset) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t done = pwrite(descriptor_, next, size, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) Fail();
    next += done;
    size -= done;
    offset += done;
  }
}

void WholeFile::Commit() {
  // Pipes and some network file systems cannot be synced.
  if (fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) Fail();
  const int closed = close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) Fail();
  if (is_device()) return;
  if (rename(part_.c_str(), target_.c_str()) != 0) Fail();
  part_.clear();
  // So that the name survives a loss of power; not all file systems can.
  const size_t slash = target_.find_last_of('/');
  const Descriptor folder(open(
      slash == std::string::npos ? "." : target_.substr(0, slash + 1).c_str(),
      O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder >= 0) fsync(folder);
}

size_t Seal::Size(Form form) { return kHeads[form].whole; }

void Seal::Write(Form form, WholeFile* file) {
  if (file->is_device()) return;
  uint32_t crc = 0;
  const int64_t size = Checksum(file->descriptor(), Size(form), &crc);
  if (size < 0) file->Fail();
  const std::string head = Written(kHeads[form], size, crc);
  file->WriteAt(head.data(), head.size(), 0);
}

uint32_t Seal::Check(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char start[32] = "";
  const ssize_t got = file < 0 ? -1 : pread(file, start, sizeof(start), 0);
  if (got < 0) {
    throw InputError(std::string("cannot read the file: ") + strerror(errno),
                     path, "check the path and its permissions");
  }
  uint32_t crc = 0;
  for (const Head& head : kHeads) {
    const size_t used = head.before_size + 8 + head.between_size + 4;
    if (got < static_cast<ssize_t>(used) ||
        memcmp(start, head.before, head.before_size) != 0 ||
        memcmp(start + head.before_size + 8, head.between, head.between_size) !=
            0) {
      continue;
    }
    const uint64_t wanted = Get<uint64_t>(start + head.before_size);
    const uint32_t sealed = Get<uint32_t>(start + used - 4);
    const int64_t size = Checksum(file, head.whole, &crc);
    const char next[] =
        "copy it again from where it was whole, or take an "
        "earlier snapshot";
    if (size < static_cast<int64_t>(wanted)) {
      throw InputError("the file is cut off",
                       path + ": " + std::to_string(size) +
                           " bytes; expected " + std::to_string(wanted),
                       next);
    }
    if (size != static_cast<int64_t>(wanted) || crc != sealed) {
      throw InputError("the file is damaged: its checksum is another one", path,
                       next);
    }
    return sealed;
  }
  Checksum(file, 0, &crc);
  return crc;
}

void CheckReadable(const std::string& path, const std::string& what,
                   bool regular) {
  struct stat found;
  const bool there = stat(path.c_str(), &found) == 0;
  const char relative[] =
      "check the path; relative paths start at the current folder";
  if (!there || access(path.c_str(), R_OK) != 0) {
    throw InputError("cannot open file: " + std::string(strerror(errno)),
                     path.empty() ? what + ": no name is given" : path,
                     errno == EACCES ? "get the right to read it" : relative);
  }
  if (S_ISDIR(found.st_mode)) {
    throw InputError("a folder, where a file of " + what + " is expected", path,
                     "name the file in it");
  }
  if (!S_ISREG(found.st_mode) && (regular || !IsOwnPipe(path))) {
    throw InputError("no regular file, where one of " + what + " is expected",
                     path, "write it to a file first");
  }
  if (S_ISREG(found.st_mode) && found.st_size == 0) {
    throw InputError("the file is empty, where " + what + " are expected", path,
                     "make it again, or take another; a full disk leaves such");
  }
}

bool IsHdf5(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  for (const int64_t offset : {0, 512, 1024, 2048}) {
    char start[8];
    file.clear();
    file.seekg(offset);
    if (file.read(start, 8) && memcmp(start, "\x89HDF\r\n\x1a\n", 8) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace drdl
