//! The model file that parameters name.

use std::fs;

use promemu_dynamics::file::{BYTES_MAX, Model};
use promemu_plugin::{Params, Refused};

/// Reads the model that the parameter `model` names.
pub(crate) fn read(params: &Params<'_>) -> Result<Model, Refused> {
    let path = params.text("model");
    let refused =
        |why: &dyn std::fmt::Display| params.refuse("model", format!("cannot be used: {path} {why}"));
    let is_known = |file: &fs::Metadata| file.is_file() && file.len() <= BYTES_MAX;
    match fs::metadata(path) {
        Err(error) => return Err(refused(&format!("cannot be read: {error}"))),
        Ok(file) if !is_known(&file) => return Err(refused(&"is no regular file of 1 GiB at most")),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|error| refused(&format!("cannot be read: {error}")))?;
    Model::from_bytes(&bytes).map_err(|error| refused(&error))
}
