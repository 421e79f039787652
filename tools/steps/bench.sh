# Benchmarks and comparisons. build.sh reads this file.

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
