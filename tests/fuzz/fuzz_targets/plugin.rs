#![no_main]

#[path = "../inputs/pages.rs"]
mod pages;
#[path = "../inputs/plugin.rs"]
mod plugin;
#[path = "../inputs/plugin_table.rs"]
mod plugin_table;

libfuzzer_sys::fuzz_target!(|data: &[u8]| plugin::check(data));
