// The glue that wasm-bindgen makes, for as many instances as one wants.
import { Failure } from "./run.mjs";

/** Where the ways begin by which wasm-bindgen loads its one instance. */
const LOADING = "async function __wbg_load(";

/**
 * wasm-bindgen's module holds one instance in variables of its own. As the body of a function it has
 * one for each call, which the garbage collector takes.
 */
export function instantiable(glue) {
  const end = glue.indexOf(LOADING);
  const names = [...glue.matchAll(/^export function ([a-z]\w*)\(/gm)].map(([, name]) => name);
  if (end < 0 || names.length === 0) {
    throw new Failure("wasm-bindgen's glue is not as it was; see scripts/lib/glue.mjs.");
  }
  const body = glue.slice(0, end).replace(/^export function /gm, "function ");
  return `export function instantiate(module) {
${body}
__wbg_finalize_init(new WebAssembly.Instance(module, __wbg_get_imports()), module);
return { ${names.join(", ")} };
}
`;
}
