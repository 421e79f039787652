# Installs what steps need. build.sh reads this file.

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
