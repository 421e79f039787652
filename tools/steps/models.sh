# The bert8 command and the demo models. build.sh reads this file.

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
