#ifndef DRDL_COMMAND_LINE_HPP_
#define DRDL_COMMAND_LINE_HPP_

#include <csignal>
#include <exception>
#include <string>

namespace drdl {

/**
 * @brief Throws an InputError for an option that gflags does not know, one
 * without its value, or a value of another type; gflags itself prints one line
 * and ends the process, or takes it for something else.
 */
void CheckOptions(int argc, char** argv);

/**
 * @brief Runs a command's body and turns what it throws into one message on
 * stderr and exit code 1: an InputError as it is, lack of memory and what
 * libraries throw in the same three parts.
 *
 * What is thrown where nothing can be (a destructor, a thread) is told the same
 * way.
 */
int RunCommand(int (*body)(int, char**), int argc, char** argv);

/// The signal that asked training to stop; 0: none has.
extern volatile std::sig_atomic_t stop_signal;

/**
 * @brief Tells on stderr how training that was stopped goes on, and returns the
 * exit code, 128 and the signal's number as a shell has it.
 *
 * `state` is where the snapshot would be, if it was written.
 */
int StoppedEarly(int iteration, const std::string& state);

/**
 * @brief Handles what google::InstallFailureSignalHandler, to be called before,
 * tells by a stack dump though nothing of the program is at fault.
 *
 * Damage in an LMDB, which is mapped into memory and ends in a signal, becomes
 * a message with exit code 1; any other such signal goes to glog's handler.
 * SIGTERM ends the process by itself, without a word, where training does not
 * handle it. A file that grows past the limit of its size is told as a full
 * disk is.
 */
void HandleSignals();

}  // namespace drdl

#endif  // DRDL_COMMAND_LINE_HPP_
