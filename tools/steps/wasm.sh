# The WebAssembly builds. build.sh reads this file.

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
  [ "$(cat "$out.form" 2>&1)" != "$form" ] || stale "$out/bert8_bg.wasm" "${code[@]:-src}" Cargo.toml Cargo.lock build.sh tools/steps/wasm.sh || return 0
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
