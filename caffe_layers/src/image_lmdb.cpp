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

ImageLmdb::ImageLmdb(const std::string& source) : source_(source), env_(NULL) {
  const std::string file = source + "/data.mdb";
  if (access(file.c_str(), R_OK) != 0) {
    throw InputError("no image LMDB", file + ": " + strerror(errno),
                     "check `source`, or build it with tools/build_lmdb.py");
  }
  // NOTLS: a read transaction belongs to the object that reads, not to the
  // thread. A folder that we may not write has no place for the lock file, and
  // nobody who could change the LMDB under us.
  int status = EACCES;
  for (unsigned extra : {0u, static_cast<unsigned>(MDB_NOLOCK)}) {
    if (status != EACCES) break;
    mdb_env_close(env_);
    mdb_env_create(&env_);
    mdb_env_set_maxreaders(env_, 1024);
    status = mdb_env_open(env_, source.c_str(), MDB_RDONLY | MDB_NOTLS | extra,
                          0664);
  }
  MDB_txn* transaction = NULL;
  if (status == 0) status = mdb_txn_begin(env_, NULL, MDB_RDONLY, &transaction);
  if (status == 0) status = mdb_dbi_open(transaction, NULL, 0, &dbi_);
  if (transaction) mdb_txn_commit(transaction);
  if (status != 0) {
    mdb_env_close(env_);
    throw InputError(
        std::string("cannot open the image LMDB: ") + mdb_strerror(status),
        source, kRebuild);
  }
  // The file is mapped into memory: to read beyond its end is a signal, not an
  // error.
  struct stat found;
  if (stat(file.c_str(), &found) == 0 &&
      static_cast<size_t>(found.st_size) < bytes()) {
    std::ostringstream where;
    where << file << ": " << found.st_size << " bytes; expected " << bytes();
    mdb_env_close(env_);
    throw InputError("the image LMDB is cut off", where.str(), kRebuild);
  }
}

ImageLmdb::~ImageLmdb() { mdb_env_close(env_); }

size_t ImageLmdb::entries() const {
  MDB_stat stat;
  mdb_env_stat(env_, &stat);
  return stat.ms_entries;
}

size_t ImageLmdb::bytes() const {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  return (info.me_last_pgno + 1) * static_cast<size_t>(stat.ms_psize);
}

void ImageLmdb::Read(uint32_t record, const Use& use) const {
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
  ReadTransaction transaction(env_, dbi_);
  MDB_val key, value;
  for (MDB_cursor_op op = MDB_FIRST; transaction.Get(&key, &value, op);
       op = MDB_NEXT) {
    use(key, value);
  }
}

}  // namespace drdl
