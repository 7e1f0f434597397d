// The WebAssembly, inlined: no file to find, whatever the bundler.

import bytes from "./gatepass.wasm";

export const compiled = (): WebAssembly.Module => new WebAssembly.Module(bytes);
