// Bundling npm's packages with esbuild, which wrangler brings along.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inRoot } from "./paths.mjs";

const PACKAGE = /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** The bytes of one module that needs no other. */
export const bundle = async (options) => (await bundleNaming(options)).contents;

/** The same with the names of the packages in it: `{contents, packages}`. */
export async function bundleNaming(options) {
  // The packages may be installed after this module is loaded.
  const wrangler = createRequire(inRoot("node_modules", "wrangler", "package.json"));
  const { build } = wrangler("esbuild");
  const { outputFiles, metafile } = await build({
    ...{
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      target: "es2024",
      logLevel: "error",
    },
    ...{ minifyWhitespace: true, minifySyntax: true, legalComments: "none" },
    ...options,
  });
  return { contents: outputFiles[0].contents, packages: packagesIn(metafile) };
}

/** The names of the packages that something was bundled of, by what esbuild says of it. */
export function packagesIn({ inputs }) {
  const names = Object.keys(inputs).map((path) => path.match(PACKAGE)?.[1]);
  return [...new Set(names.filter(Boolean))];
}

/** A comment with a package's version and license, to stand before what is made of it. */
export function license(name) {
  const folder = inRoot("node_modules", name);
  const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const text = readFileSync(`${folder}/${file}`, "utf8").trim();
  return `/*! ${name} ${version}\n\n${text}\n*/`;
}
