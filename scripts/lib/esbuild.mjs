// Bundling npm's packages with esbuild, which wrangler brings along.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inRoot } from "./paths.mjs";

/** The bytes of one module that needs no other. */
export async function bundle(options) {
  // The packages may be installed after this module is loaded.
  const wrangler = createRequire(inRoot("node_modules", "wrangler", "package.json"));
  const { build } = wrangler("esbuild");
  const { outputFiles } = await build({
    ...{ bundle: true, write: false, format: "esm", target: "es2024", logLevel: "error" },
    ...{ minifyWhitespace: true, minifySyntax: true, legalComments: "none" },
    ...options,
  });
  return outputFiles[0].contents;
}

/** A comment with a package's version and license, to stand before what is made of it. */
export function license(name) {
  const folder = inRoot("node_modules", name);
  const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const text = readFileSync(`${folder}/${file}`, "utf8").trim();
  return `/*! ${name} ${version}\n\n${text}\n*/`;
}
