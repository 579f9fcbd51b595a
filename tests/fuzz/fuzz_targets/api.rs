#![no_main]

#[path = "../inputs/api.rs"]
mod api;

libfuzzer_sys::fuzz_target!(|data: &[u8]| api::check(data));
