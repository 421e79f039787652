# The tests that continuous integration runs. build.sh reads this file.

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
