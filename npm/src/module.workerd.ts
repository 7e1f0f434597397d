// The WebAssembly where code may not compile any: the runtime has done it.

import module from "./gatepass.wasm";

export const compiled = (): WebAssembly.Module => module as unknown as WebAssembly.Module;
