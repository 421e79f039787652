# What all steps use. build.sh reads this file.

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Leaves a part of the tests out. Continuous integration runs every test: there it is an error.
skip() {
  [ -z "${CI-}" ] || die "continuous integration runs every test, but $*"
  echo "skipped: $*" >&2
}

# Leaves out what needs a service that not every network reaches, in continuous integration too.
leave_out() { echo "left out: $*" >&2; }

# Whether OUTPUT is missing or older than any of the files and folders that follow. One that is gone counts as newer.
stale() {
  local output=$1
  shift
  [ ! -e "$output" ] || [ -n "$(find "$@" -newer "$output" -print -quit 2>&1)" ]
}

# The source files that a target was compiled from, by the dependency file that cargo writes beside it.
sources() { # dependency file
  [ ! -e "$1" ] || sed -e 's/^[^:]*: *//' -e 's/\([^\\]\) /\1\n/g' "$1" | sed 's/\\ / /g'
}
