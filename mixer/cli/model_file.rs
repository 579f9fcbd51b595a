//! Files of dynamics models, as commands read them.

use std::path::Path;

use promemu_core::error::Error;
use promemu_core::user_file;
use promemu_dynamics::file::{BYTES_MAX, Model};

/// The model of a file.
///
/// # Errors
///
/// The file cannot be read, or is damaged.
pub(crate) fn read(path: &Path) -> Result<Model, Error> {
    let bytes = user_file::read(path, BYTES_MAX)
        .map_err(|error| Error::Usage(format!("{} cannot be read: {error}", path.display())))?;
    Model::from_bytes(&bytes).map_err(|error| Error::Usage(format!("{} {error}", path.display())))
}
