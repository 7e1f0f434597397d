// What the build makes of files that are no modules.

declare module "*.wasm" {
  /** Its bytes, inlined. */
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*?text" {
  const text: string;
  export default text;
}
