//! `format`, an option of several outputs.

use indexmap::IndexMap;

use promemu_core::error::{Error, suggestion};
use promemu_wire::exposition::Format;

/// Takes `format` out of the options; it must be one of these.
pub(super) fn take(
    options: &mut IndexMap<String, String>,
    known: &[Format],
) -> Result<Option<Format>, Error> {
    let Some(typed) = options.shift_remove("format") else { return Ok(None) };
    let format = known.iter().copied().find(|format| name(*format) == typed);
    let names: Vec<&str> = known.iter().map(|format| name(*format)).collect();
    let unknown = || Error::Usage(format!("unknown format {typed:?}{}", suggestion(&typed, &names)));
    format.ok_or_else(unknown).map(Some)
}

const fn name(format: Format) -> &'static str {
    match format {
        Format::Protobuf => "protobuf",
        Format::Text => "text",
        Format::OpenMetrics => "openmetrics",
    }
}
