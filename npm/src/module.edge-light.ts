// The WebAssembly as Vercel's bundlers take it.

import module from "./gatepass.wasm?module";

export const compiled = (): WebAssembly.Module => module;
