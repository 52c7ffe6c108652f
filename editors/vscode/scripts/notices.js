// Writes THIRD_PARTY_NOTICES.txt: what the packages in the bundle ask to be told, in the words of their own files.
// esbuild says which packages those are (`--metafile`). `npm run package` runs this.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const LICENSE = /^(licen[cs]e|copying)([.-]|$)/i;
const NOTICE = /^(notice|third-?party-?notices?)([.-]|$)/i;

/** The folders of the packages that files of a bundle come from. */
export function packagesOf(/** @type {string[]} */ inputs) {
  const found = inputs.map((path) => FOLDER.exec(path)?.[0]);
  return [...new Set(found.filter((folder) => folder !== undefined))].sort();
}

/** The files of a package, by name, that have to go along. A package without a license is an error. */
export function filesToShow(/** @type {string} */ folder, /** @type {string[]} */ names) {
  const licenses = names.filter((name) => LICENSE.test(name));
  if (!licenses.length) throw new Error(`${folder} is in the bundle and has no license file.`);
  return [...licenses.sort(), ...names.filter((name) => NOTICE.test(name)).sort()];
}

function section(/** @type {string} */ folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = filesToShow(folder, readdirSync(folder)).map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${"=".repeat(80)}\n${name} ${version} (${license})`, ...texts].join("\n\n").replaceAll("\r\n", "\n");
}

function main(/** @type {string} */ metafile, /** @type {string} */ out) {
  const folders = packagesOf(Object.keys(JSON.parse(readFileSync(metafile, "utf8")).inputs));
  const head = "dist/extension.cjs holds code of the packages below. What follows are their licenses and notices.";
  writeFileSync(out, `${[head, ...folders.map(section)].join("\n\n")}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main("dist/meta.json", "THIRD_PARTY_NOTICES.txt");
