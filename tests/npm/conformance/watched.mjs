// WebAssembly under observation: how often instances are made, which of their exports are called, and
// what these throw instead. Instances that were made before are not seen.

const { Instance } = WebAssembly;

/** Every instance from now on. */
export const wasm = {
  instances: 0,
  /** The names of the exports that were called. */
  calls: [],
  /** By name of an export: what its next call throws. */
  faults: new Map(),
  /** Bytes of the newest instance's memory. */
  bytes: () => memory.buffer.byteLength,
};

let memory;

WebAssembly.Instance = class extends Instance {
  constructor(module, imports) {
    super(module, imports);
    wasm.instances++;
    memory = super.exports.memory;
  }

  get exports() {
    const watched = Object.entries(super.exports).map(([name, value]) => [
      name,
      typeof value === "function" ? watch(name, value) : value,
    ]);
    return Object.fromEntries(watched);
  }
};

function watch(name, call) {
  return (...args) => {
    wasm.calls.push(name);
    const fault = wasm.faults.get(name);
    wasm.faults.delete(name);
    if (fault) throw fault;
    return call(...args);
  };
}
