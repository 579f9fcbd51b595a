//! Any text is a config or an error; a config's first values can be made.

#![no_main]

use libfuzzer_sys::fuzz_target;
use promemu_core::time::Time;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::preview::FirstValues;

const START: Time = Time::from_unix_secs(1_767_600_000);

fuzz_target!(|text: &str| {
    let options = LoadOptions { series_max: 200, ..LoadOptions::starting_at(START) };
    match ConfigFile::from_text("fuzz", text).plan(&options) {
        Ok(loaded) => drop(FirstValues::of(&loaded.plan, 1, START)),
        Err(error) => drop(error.to_string()),
    }
});
