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
        bindgen
            .input_path(input)
            .omit_default_module_path(true)
            .reset_state_function(true)
            .typescript(false)
            .generate(output)
    });
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gatepass-bindgen: {error:?}");
            ExitCode::FAILURE
        }
    }
}
