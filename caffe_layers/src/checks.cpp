#include "drdl/checks.hpp"

#include <exception>

namespace drdl {

namespace {

thread_local const Place* innermost = nullptr;

std::string FileName(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// Upstream's messages begin with what glog's text before them needed, and end
// as they like.
std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" :;,\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" .\n") - first + 1);
}

}  // namespace

Place::Place(const char* kind, const std::string& name, const std::string* type)
    : kind_(kind), name_(name), type_(type), outer_(innermost) {
  innermost = this;
}

Place::~Place() { innermost = outer_; }

std::string Place::All() {
  std::string all;
  for (const Place* place = innermost; place; place = place->outer_) {
    if (!all.empty()) all += ", ";
    all += place->kind_;
    if (!place->name_.empty()) all += " " + place->name_;
    if (place->type_) all += " (" + *place->type_ + ")";
  }
  return all;
}

std::string Place::Advice() {
  const std::string kind = innermost ? innermost->kind_ : "";
  if (kind == "layer") {
    return "mend the layer in the net's prototxt, or what it is given";
  }
  if (kind == "net") return "mend the net's prototxt";
  if (kind == "solver") return "mend the solver's prototxt";
  if (kind == "weights" || kind == "solver state") {
    return "give a file that belongs to this net";
  }
  return "mend what the message names";
}

FailedCheck::~FailedCheck() noexcept(false) {
  const std::string message = Trimmed(message_.str());
  const std::string place = Place::All();
  std::ostringstream check;
  if (!condition_.empty()) check << "the check " << condition_ << ", ";
  check << FileName(file_) << ":" << line_;
  const InputError error(
      message.empty() ? "this does not hold: " + condition_ : message,
      place.empty() ? check.str() : place + "; " + check.str(),
      Place::Advice());
  // While the stack unwinds, or in a destructor, nothing can be thrown.
  if (std::uncaught_exceptions() > 0) ExitWith(error);
  throw error;
}

}  // namespace drdl
