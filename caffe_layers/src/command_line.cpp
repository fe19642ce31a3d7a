#include "drdl/command_line.hpp"

#include <gflags/gflags.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <string>

#include "drdl/image_lmdb.hpp"
#include "drdl/input_error.hpp"
#include "drdl/whole_file.hpp"

namespace drdl {

namespace {

// Of what libraries throw; an InputError is told by itself.
[[noreturn]] void TellException() {
  try {
    if (std::current_exception()) throw;
  } catch (const std::exception& error) {
    ExitWith(AsInputError(error));
  } catch (...) {
  }
  std::abort();
}

// What damage may end in: addresses and sizes of pages that are none.
const int kMemorySignals[] = {SIGSEGV, SIGBUS, SIGFPE};
struct sigaction before[3];

// Only what may be called in a signal handler.
void OnMemorySignal(int number) {
  const char* lmdb = LmdbInUse();
  if (lmdb) {
    const auto print = [](const char* text) {
      if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
    };
    print("error: the LMDB is damaged or was cut off\n  where: ");
    print(lmdb);
    print(
        "\n  next: see which records with tools/verify_lmdb.py; build it "
        "again with tools/build_lmdb.py\n");
    _exit(1);
  }
  // Comes again, to the handler before this one, when this one returns.
  for (int i = 0; i < 3; ++i) {
    if (kMemorySignals[i] == number) sigaction(number, &before[i], NULL);
  }
}

bool Accepts(const gflags::CommandLineFlagInfo& flag,
             const std::string& value) {
  char* rest = NULL;
  errno = 0;
  if (flag.type == "int32") {
    const int64_t number = strtoll(value.c_str(), &rest, 10);
    return !value.empty() && *rest == '\0' && errno == 0 &&
           number == static_cast<int32_t>(number);
  }
  if (flag.type == "double") {
    strtod(value.c_str(), &rest);
    return !value.empty() && *rest == '\0';
  }
  if (flag.type == "bool") {
    for (const char* word :
         {"true", "false", "t", "f", "1", "0", "yes", "no", "y", "n"}) {
      if (value == word) return true;
    }
    return false;
  }
  return true;
}

}  // namespace

void CheckOptions(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") return;
    if (word.size() < 2 || word[0] != '-') continue;
    const size_t start = word[1] == '-' ? 2 : 1;
    const size_t equals = word.find('=', start);
    const std::string name = word.substr(start, equals - start);
    gflags::CommandLineFlagInfo flag;
    bool known = gflags::GetCommandLineFlagInfo(name.c_str(), &flag);
    if (!known && name.compare(0, 2, "no") == 0 &&
        gflags::GetCommandLineFlagInfo(name.c_str() + 2, &flag) &&
        flag.type == "bool" && equals == std::string::npos) {
      continue;
    }
    if (!known) {
      throw InputError(
          "unknown option", word,
          "`caffe --help` lists the options; the usual are "
          "--solver, --model, --weights, --snapshot, --iterations, "
          "--gpu");
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (flag.type == "bool") {
      continue;
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      throw InputError("an option without its value", word,
                       "give it a value: " + word + " VALUE");
    }
    if (flag.type == "string" && value.empty()) {
      throw InputError("an option without its value", word,
                       "give it a value, or leave it out; is a variable of the "
                       "shell unset?");
    }
    if (name == "flagfile") CheckReadable(value, "options", false);
    if (!Accepts(flag, value)) {
      throw InputError("no value of the option's type", word + " " + value,
                       "give a value of type " + flag.type);
    }
  }
}

int RunCommand(int (*body)(int, char**), int argc, char** argv) {
  std::set_terminate(TellException);
  try {
    return body(argc, argv);
  } catch (const InputError& error) {
    std::cerr << "error: " << error.what() << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "error: " << AsInputError(error).what() << std::endl;
  }
  return 1;
}

volatile std::sig_atomic_t stop_signal = 0;

int StoppedEarly(int iteration, const std::string& state) {
  std::cerr << "stopped after iteration " << iteration << "; ";
  if (access(state.c_str(), R_OK) == 0) {
    std::cerr << "to go on, give the same command with --snapshot "
              << Visible(state) << std::endl;
  } else {
    std::cerr << "no snapshot was written" << std::endl;
  }
  return 128 + stop_signal;
}

void HandleSignals() {
  signal(SIGTERM, SIG_DFL);
  signal(SIGXFSZ, SIG_IGN);  // writing fails instead, with EFBIG
  struct sigaction action = {};
  action.sa_handler = OnMemorySignal;
  for (int i = 0; i < 3; ++i) sigaction(kMemorySignals[i], &action, &before[i]);
}

}  // namespace drdl
