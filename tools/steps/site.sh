# The site and the npm package. build.sh reads this file.

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

clean() { rm -rf dist build; }
