// The tokens page's script: all of www/page/ and what it uses of Preact, as one module.
import { bundleNaming, license } from "./esbuild.mjs";
import { inRoot } from "./paths.mjs";

/** The module, with the packages in it, under Preact's license. */
export const bundlePage = () =>
  bundleNaming({
    ...{ entryPoints: [inRoot("www", "page", "main.jsx")], platform: "browser" },
    ...{ jsx: "automatic", jsxImportSource: "preact", minifyIdentifiers: true },
    ...{ banner: { js: license("preact") } },
  });
