#!/usr/bin/env bash
# Builds the site, serves it, tests everything. Each step is a function in tools/steps; a step that has nothing to do is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'USAGE'
Usage: ./build.sh [STEP]...      (default: page)

  tools   install what is missing: wasm target, wasm-bindgen, wasm-opt, esbuild
  cli     the bert8 command at its full speed, target/release/bert8
  model   quantize the demo models: build/models/
  wasm [--no-threads]
          both WebAssembly variants: build/pkg/{simd128,relaxed}, and the quantizer of the site: build/pkg/quantizer
          --no-threads  without shared memory and threads; then the compiler's own standard library is enough
  page [--no-threads]
          tools, model and wasm, assembled into dist/, a complete static site
  package the npm package, from both WebAssembly variants: build/npm/bert8-VERSION.tgz
  serve   page, then serve it on http://127.0.0.1:8080/ (PORT=N for another port)
  test    formatting, lints, documentation, native, browser and page tests
  bench [--quick] [--threads N] [--publish] [--browser NAME] [--litert DIR]
          page, then bert8 and onnxruntime-web side by side in Chromium: build/bench/ (about 20 minutes)
          --quick    fewer lengths and runs, on this processor as it is (3 minutes once the models are made)
          --threads  also measure on 2 to N threads (2 minutes more)
          --publish  also write table, plots and raw times to docs/bench/PROCESSOR/
          --browser  firefox or webkit, if installed, instead of Chromium; results are in a folder of that name
          --litert   also measure LiteRT.js, with the .tflite files in DIR (docs/benchmarks.md says how to make them)
  audit   licences, sources, duplicates and known vulnerabilities of all crates and npm packages
  soak [--runs N]
          N classifications (default 100,000) and a hundredth as many loads in Chromium, whose memory must not grow
  damage [--copies N]
          N damaged copies (default 1,000) of both demo models for each kind of damage, in Chromium: none may trap
  miri    tests of kernels and threads under Miri, for which it installs a nightly compiler (about 5 minutes)
  asan    the native tests under AddressSanitizer, which finds accesses outside of memory
  reproducible
          the WebAssembly modules of a new clone in another folder must have the same bytes as those built here (some minutes)
  fuzz [--minutes N] [TARGET]...
          runs each fuzz target for N minutes (default 1) at low priority, one after the other: fuzz/ (docs/reliability.md)
  compare [FLAGS]
          bert8's quantizer, NNCF's and onnxruntime's on the same pairs: build/compare/ (about 3 minutes; --help for FLAGS)
  clean   remove dist/ and build/

A machine needs Rust (rustup), Node with npm (20 or newer for tests and bench) and, for these, Chromium with its driver and
Python 3.
USAGE
}

WASM_PACK=0.15.1
WASM_BINDGEN=0.2.129 # the same in Cargo.toml
BINARYEN=132.0.0
ESBUILD=0.28.2
CARGO_FUZZ=0.13.2
ADVISORIES=https://github.com/RustSec/advisory-db
MODEL=models/minilm-l6-mrpc
INJECTION=models/prompt-injection
# The command as the steps themselves use it: compiled quickly, see Cargo.toml.
BERT8=target/quick/bert8
VARIANTS=(simd128 relaxed)
# One more WebAssembly build, which quantizes. Only the site has it, and only visitors who quantize load it.
QUANTIZER=quantizer
# The WebAssembly builds share their memory between threads: yes or no.
THREADS=yes

export PATH="$PWD/build/tools/node_modules/.bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

for file in tools/steps/*.sh; do source "$file"; done

# Sets `number` to what follows an option if it comes first among the arguments, otherwise to the default, and `shifted` to how many
# arguments that were.
number_after() { # option, default, arguments
  number=$2 shifted=0
  [ "${3-}" = "$1" ] || return 0
  [[ ${4-} =~ ^[1-9][0-9]*$ ]] || die "$1 is followed by a whole number from 1 on"
  number=$4 shifted=2
}

[ $# -gt 0 ] || set -- page
while [ $# -gt 0 ]; do
  step=$1
  shift
  case $step in
    -h | --help | help) usage; exit ;;
    wasm | page)
      if [ "${1-}" = --no-threads ]; then
        THREADS=no
        shift
      fi
      "$step"
      ;;
    tools | cli | model | package | serve | audit | miri | asan | reproducible | clean) "$step" ;;
    test) run_tests ;;
    bench)
      flags=()
      while [[ ${1-} == --* ]]; do
        case $1 in
          --quick | --publish) flags+=("$1") ;;
          --browser)
            [ $# -gt 1 ] || die "--browser is followed by firefox or webkit"
            flags+=("$1" "$2")
            shift
            ;;
          --threads)
            [ $# -gt 1 ] || die "--threads is followed by a number of threads"
            flags+=("$1" "$2")
            shift
            ;;
          --litert)
            [ -d "${2-}" ] || die "--litert is followed by a folder of .tflite files; docs/benchmarks.md says how to make them"
            flags+=("$1" "$2")
            shift
            ;;
          *) usage >&2; printf '\nerror: bench has no option `%s`\n' "$1" >&2; exit 2 ;;
        esac
        shift
      done
      bench "${flags[@]}"
      ;;
    soak)
      number_after --runs 100000 "$@"
      shift "$shifted"
      soak "$number"
      ;;
    damage)
      number_after --copies 1000 "$@"
      shift "$shifted"
      damage "$number"
      ;;
    fuzz)
      number_after --minutes 1 "$@"
      shift "$shifted"
      fuzz "$number" "$@"
      exit
      ;;
    compare)
      compare "$@"
      exit
      ;;
    *) usage >&2; printf '\nerror: there is no step `%s`\n' "$step" >&2; exit 2 ;;
  esac
done
