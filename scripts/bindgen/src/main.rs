//! Makes the JavaScript glue for Gatepass's WebAssembly.
//!
//! `gatepass-bindgen <input.wasm> <output folder>` writes `<name>.js` and `<name>_bg.wasm`, where
//! `<name>` is the input's. It is wasm-bindgen's own library behind a command line, so that
//! Cargo.lock pins it together with the crate that it must match.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: gatepass-bindgen <input.wasm> <output folder>");
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    let made = bindgen.web(true).and_then(|bindgen| {
        let mut made = bindgen
            .input_path(input)
            .omit_default_module_path(true)
            .reset_state_function(true)
            .typescript(false)
            .generate_output()?;
        let exports = &mut made.wasm_mut().exports;
        let unused: Vec<_> = exports
            .iter()
            .filter(|export| is_unused(&export.name))
            .map(|export| export.id())
            .collect();
        for export in unused {
            exports.delete(export);
        }
        made.emit(output)
    });
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gatepass-bindgen: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Whether an export belongs to a class of the `worker` crate that Gatepass has no use for. Without
/// its exports, the code behind it can go.
fn is_unused(export: &str) -> bool {
    UNUSED_CLASSES.iter().any(|class| export.contains(class))
}

const UNUSED_CLASSES: [&str; 4] = [
    "containerstartupoptions",
    "intounderlying",
    "minifyconfig",
    "r2range",
];
