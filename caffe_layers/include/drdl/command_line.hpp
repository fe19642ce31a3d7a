#ifndef DRDL_COMMAND_LINE_HPP_
#define DRDL_COMMAND_LINE_HPP_

#include <exception>

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

/**
 * @brief Handles what google::InstallFailureSignalHandler, to be called before,
 * tells by a stack dump though nothing of the program is at fault.
 *
 * Damage in an LMDB, which is mapped into memory and ends in a signal, becomes
 * a message with exit code 1; any other such signal goes to glog's handler.
 * SIGTERM ends the process by itself, without a word.
 */
void HandleSignals();

}  // namespace drdl

#endif  // DRDL_COMMAND_LINE_HPP_
