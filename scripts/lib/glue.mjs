// The glue that wasm-bindgen makes, for as many instances as one wants.
import { Failure } from "./run.mjs";

/** Where the ways begin by which wasm-bindgen loads its one instance. */
const LOADING = "async function __wbg_load(";

/** How wasm-bindgen hands a text over: character by character, as far as they are ASCII. */
const PASSING = /^function passStringToWasm0\([\s\S]*?^\}$/m;

/** The same by the engine's own encoder, which takes half the time for texts as long as requests. */
const PASSING_WHOLE = `function passStringToWasm0(text, malloc, realloc) {
    const room = text.length * 3;
    const ptr = malloc(room, 1) >>> 0;
    const view = getUint8ArrayMemory0().subarray(ptr, ptr + room);
    WASM_VECTOR_LEN = cachedTextEncoder.encodeInto(text, view).written;
    return room > WASM_VECTOR_LEN ? realloc(ptr, room, WASM_VECTOR_LEN, 1) >>> 0 : ptr;
}`;

/**
 * wasm-bindgen's module holds one instance in variables of its own. As the body of a function it has
 * one for each call, which the garbage collector takes.
 */
export function instantiable(glue) {
  const end = glue.indexOf(LOADING);
  const names = [...glue.matchAll(/^export function ([a-z]\w*)\(/gm)].map(([, name]) => name);
  if (end < 0 || names.length === 0 || !PASSING.test(glue)) {
    throw new Failure("wasm-bindgen's glue is not as it was; see scripts/lib/glue.mjs.");
  }
  const own = glue.slice(0, end).replace(PASSING, PASSING_WHOLE);
  const body = own.replace(/^export function /gm, "function ");
  return `export function instantiate(module) {
${body}
__wbg_finalize_init(new WebAssembly.Instance(module, __wbg_get_imports()), module);
return { ${names.join(", ")} };
}
`;
}
