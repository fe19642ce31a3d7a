# Sourced by scripts of this folder: errors in three parts, and what may fail
# where a user's paths come in.

fail() {  # what, where, next
  printf 'error: %s\n  where: %s\n  next: %s\n' "$1" "$2" "$3" >&2
  exit 1
}

# What helps depends on the reason, as in pydrdl/errors.py.
cannot_write() {  # what, where, the reason as a command or the shell gave it
  local reason=${3##*: } next="name another path"
  case "$reason" in
    *"No space left"*) next="make room on its file system (df shows it), then give the same command again" ;;
    *"Read-only"*) next="that file system is read-only: name a folder on another" ;;
    *"ermission denied"* | *"not permitted"*) next="you may not write there: name a folder of yours, or have its permissions changed (ls -ld shows them)" ;;
    *"File name too long"*) next="no file can have so long a name: check it, or shorten it" ;;
    *"ot a directory"* | *"File exists"*) next="a part of this path is a file and no folder: name another" ;;
    *"No such file"*) next="a folder of this path is missing: make it, or name another" ;;
    *"uota"*) next="your quota there is used up: delete files of yours, or name another file system, then give the same command again" ;;
  esac
  fail "cannot write $1: $reason" "$2" "$next"
}

make_folder() {  # path
  local reason
  reason=$(LC_ALL=C mkdir -p -- "$1" 2>&1) || cannot_write "a folder" "$1" "$reason"
}

# Before a command's output goes there: else the shell's own words would be shown.
empty_file() {  # path
  local reason
  reason=$( (LC_ALL=C : >"$1") 2>&1) || cannot_write "a log" "$1" "$reason"
}
