#![no_main]

#[path = "../inputs/exposition.rs"]
mod exposition;
#[path = "../inputs/pages.rs"]
mod pages;

libfuzzer_sys::fuzz_target!(|data: &[u8]| exposition::check(data));
