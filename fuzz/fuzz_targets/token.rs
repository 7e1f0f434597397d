#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gatepass_oracles::token::check(data));
