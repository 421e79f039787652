// Lists the crates in the WebAssembly builds with their licences, as Markdown:
//
//   node tools/package/third-party.mjs FILE

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const [file] = process.argv.slice(2);
if (!file) throw new Error("usage: node third-party.mjs FILE");

const metadata = JSON.parse(
  execFileSync(
    "cargo",
    ["metadata", "--format-version=1", "--locked", "--no-default-features", "--filter-platform=wasm32-unknown-unknown"],
    { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] },
  ),
);
const packages = new Map(metadata.packages.map((found) => [found.id, found]));
const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));

/** Whether a crate is linked: macros and build scripts are not. */
const isLinked = ({ targets }) => !targets.some(({ kind }) => kind.includes("proc-macro"));

/** The crates that `root` links, itself left out. */
function linkedBy(root) {
  const found = new Set([root]);
  for (const id of found) {
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some(({ kind }) => kind === null) && isLinked(packages.get(pkg))) found.add(pkg);
    }
  }
  found.delete(root);
  return [...found].map((id) => packages.get(id)).toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The texts of a crate's licence and copyright files. */
function licences({ manifest_path: manifest }) {
  const folder = dirname(manifest);
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|copyright|notice|unlicense)\b/i.test(name)).toSorted();
  return names.map((name) => readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n").trim());
}

const crates = linkedBy(metadata.resolve.root);
const nameless = crates.find(({ license }) => !license);
if (nameless) throw new Error(`${nameless.name} ${nameless.version} names no licence in its Cargo.toml`);
const owners = new Map(); // by text
for (const crate of crates) {
  for (const text of new Set(licences(crate))) owners.set(text, [...(owners.get(text) ?? []), `${crate.name} ${crate.version}`]);
}
const row = ({ name, version, license, repository }) => `| ${name} | ${version} | ${license} | ${repository ?? ""} |`;
const section = ([text, names]) => `### ${names.join(", ")}\n\n\`\`\`\`text\n${text}\n\`\`\`\`\n`;
writeFileSync(
  file,
  `# Third-party software

bert8's WebAssembly builds contain these crates, and Rust's standard library (MIT OR Apache-2.0,
https://github.com/rust-lang/rust).

| crate | version | licence | repository |
|---|---|---|---|
${crates.map(row).join("\n")}

## Licence texts

${[...owners].map(section).join("\n")}`,
);
console.log(`${file}: ${crates.length} crates, ${owners.size} licence texts`);
