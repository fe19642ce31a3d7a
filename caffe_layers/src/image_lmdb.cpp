#include "drdl/image_lmdb.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "drdl/input_error.hpp"

namespace drdl {

const char kRebuild[] =
    "build the LMDB and its index again, together, with tools/build_lmdb.py";

namespace {

// The folder that this thread reads.
thread_local const char* lmdb_in_use = NULL;

// LMDB's own checks would abort.
void OnAssert(MDB_env* env, const char* message) {
  ExitWith(InputError(std::string("the LMDB is damaged: ") + message,
                      lmdb_in_use ? lmdb_in_use : "an LMDB", kRebuild));
}

size_t LmdbBytes(MDB_env* env) {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env, &info);
  mdb_env_stat(env, &stat);
  return (info.me_last_pgno + 1) * static_cast<size_t>(stat.ms_psize);
}

class ReadTransaction {
 public:
  ReadTransaction(MDB_env* env, MDB_dbi dbi) : cursor_(NULL) {
    Check(mdb_txn_begin(env, NULL, MDB_RDONLY, &transaction_));
    const int status = mdb_cursor_open(transaction_, dbi, &cursor_);
    if (status != 0) mdb_txn_abort(transaction_);
    Check(status);
  }
  ~ReadTransaction() {
    mdb_cursor_close(cursor_);
    mdb_txn_abort(transaction_);
  }
  bool Get(MDB_val* key, MDB_val* value, MDB_cursor_op op) {
    const int status = mdb_cursor_get(cursor_, key, value, op);
    if (status != MDB_NOTFOUND) Check(status);
    return status != MDB_NOTFOUND;
  }

 private:
  static void Check(int status) {
    if (status == 0) return;
    throw InputError("cannot read the image LMDB", mdb_strerror(status),
                     kRebuild);
  }
  MDB_txn* transaction_;
  MDB_cursor* cursor_;
};

}  // namespace

const char* LmdbInUse() { return lmdb_in_use; }

LmdbUse::LmdbUse(const std::string& source) { lmdb_in_use = source.c_str(); }

LmdbUse::~LmdbUse() { lmdb_in_use = NULL; }

MDB_env* OpenImageLmdb(const std::string& source, MDB_dbi* dbi) {
  const std::string file = source + "/data.mdb";
  if (access(file.c_str(), R_OK) != 0) {
    throw InputError("no image LMDB", file + ": " + strerror(errno),
                     "check `source` (relative paths start at the current "
                     "folder), or build it with tools/build_lmdb.py");
  }
  const LmdbUse use(source);
  // NOTLS: a read transaction belongs to the object that reads, not to the
  // thread. A folder that we may not write has no place for the lock file, and
  // nobody who could change the LMDB under us; some file systems have no locks.
  MDB_env* env = NULL;
  int status = EACCES;
  for (unsigned extra : {0u, static_cast<unsigned>(MDB_NOLOCK)}) {
    if (status != EACCES && status != EROFS && status != ENOLCK) break;
    mdb_env_close(env);
    mdb_env_create(&env);
    mdb_env_set_maxreaders(env, 1024);
    mdb_env_set_assert(env, OnAssert);
    status =
        mdb_env_open(env, source.c_str(), MDB_RDONLY | MDB_NOTLS | extra, 0664);
  }
  MDB_txn* transaction = NULL;
  if (status == 0) status = mdb_txn_begin(env, NULL, MDB_RDONLY, &transaction);
  if (status == 0) status = mdb_dbi_open(transaction, NULL, 0, dbi);
  if (transaction) mdb_txn_commit(transaction);
  if (status != 0) {
    mdb_env_close(env);
    throw InputError(
        std::string("cannot open the image LMDB: ") + mdb_strerror(status),
        source, kRebuild);
  }
  // The file is mapped into memory: to read beyond its end is a signal, not an
  // error.
  struct stat found;
  const size_t bytes = LmdbBytes(env);
  if (stat(file.c_str(), &found) == 0 &&
      static_cast<size_t>(found.st_size) < bytes) {
    std::ostringstream where;
    where << file << ": " << found.st_size << " bytes; expected " << bytes;
    mdb_env_close(env);
    throw InputError("the image LMDB is cut off", where.str(), kRebuild);
  }
  return env;
}

ImageLmdb::ImageLmdb(const std::string& source)
    : source_(source), env_(OpenImageLmdb(source, &dbi_)) {}

ImageLmdb::~ImageLmdb() { mdb_env_close(env_); }

size_t ImageLmdb::entries() const {
  MDB_stat stat;
  mdb_env_stat(env_, &stat);
  return stat.ms_entries;
}

size_t ImageLmdb::bytes() const { return LmdbBytes(env_); }

void ImageLmdb::Read(uint32_t record, const Use& use) const {
  const LmdbUse in_use(source_);
  ReadTransaction transaction(env_, dbi_);
  char wanted[16];
  const size_t size = snprintf(wanted, sizeof(wanted), "%08u", record);
  MDB_val key{size, wanted}, value;
  if (!transaction.Get(&key, &value, MDB_SET_RANGE) || key.mv_size < size ||
      memcmp(key.mv_data, wanted, size) != 0) {
    throw InputError(std::string("the LMDB has no record ") + wanted, source_,
                     kRebuild);
  }
  use(key, value);
}

void ImageLmdb::ForEach(const Use& use) const {
  const LmdbUse in_use(source_);
  ReadTransaction transaction(env_, dbi_);
  MDB_val key, value;
  for (MDB_cursor_op op = MDB_FIRST; transaction.Get(&key, &value, op);
       op = MDB_NEXT) {
    use(key, value);
  }
}

}  // namespace drdl
