//! The answer to `--version`: the version, and what a report of a problem needs of the build. `-V` is the version alone.

use std::sync::LazyLock;

use promemu_core::plugin::{INTERFACE_MAJOR, INTERFACE_MINOR};

use crate::settings;

static LONG: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ncommit: {}\ntarget: {}\nplugin interface: {INTERFACE_MAJOR}.{INTERFACE_MINOR}\noutputs: {}\nfeatures: {}",
        env!("CARGO_PKG_VERSION"),
        env!("PROMEMU_COMMIT"),
        env!("PROMEMU_TARGET"),
        settings::output_kinds().join(", "),
        features().join(", "),
    )
});

/// The version, the commit, and what the program was built for and can do. Debug builds have no commit.
pub(crate) fn long() -> &'static str {
    &LONG
}

/// Parts that some systems have and others do not, and debug assertions.
fn features() -> Vec<&'static str> {
    let all = [
        ("debug", cfg!(debug_assertions)),
        ("plugins", cfg!(unix)),
        ("real-processes", cfg!(target_os = "linux")),
    ];
    all.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect()
}
