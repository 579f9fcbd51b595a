//! Any text is either a config whose first values can be made, or an error.

use std::sync::Arc;

use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::preview::FirstValues;
use promemu_core::time::Time;

const START: Time = Time::from_unix_secs(1_767_600_000);

/// Loads the text.
pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let options = LoadOptions { series_max: 200, ..LoadOptions::starting_at(START) };
    match ConfigFile::from_text("fuzz", &text).plan(&options) {
        Ok(loaded) => drop(FirstValues::of(&Arc::new(loaded.plan), 1, START)),
        Err(error) => drop(error.to_string()),
    }
}
