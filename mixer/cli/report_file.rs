//! Reports in files, or on standard output in place of the text for people.

use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_run::whole_file::unwritable;

use crate::{output_file, stdout};

/// `true` for `-`, which stands for standard output.
pub(crate) fn is_printed(path: Option<&PathBuf>) -> bool {
    path.is_some_and(|path| path.as_os_str() == "-")
}

/// Writes a report to the path of a flag.
pub(crate) fn write(path: &Path, flag: &str, text: &str) -> Result<(), Error> {
    if path.as_os_str() == "-" {
        return stdout::print_for_programs(text.as_bytes());
    }
    output_file::replace(path, text.as_bytes()).map_err(|source| unwritable(path, flag, source))
}
