#![no_main]

#[path = "../inputs/config.rs"]
mod config;
#[path = "../inputs/script.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|data: &[u8]| script::check(data));
