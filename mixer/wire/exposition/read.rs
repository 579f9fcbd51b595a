//! Pages of exporters, read: the text format, OpenMetrics, and protobuf with native histograms.
//!
//! A page is read whole or refused: an error says where it is broken.

mod protobuf;
#[cfg(test)]
mod tests;
mod text;

use super::format::Format;
use crate::samples::SampleSink;

/// The value of `Accept` for scrapes: protobuf first, as only it has native histograms.
pub const ACCEPT: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
                          application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// The format of a page by its `Content-Type`; the text format if it says nothing.
#[must_use]
pub fn format_of(content_type: Option<&str>) -> Format {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match kind {
        "application/vnd.google.protobuf" => Format::Protobuf,
        "application/openmetrics-text" => Format::OpenMetrics,
        _ => Format::Text,
    }
}

/// Reads a page.
///
/// # Errors
///
/// In words: the page is not of this format. Samples before that place have been passed on.
pub fn read_page(format: Format, page: &[u8], sink: &mut dyn SampleSink) -> Result<(), String> {
    match format {
        Format::Protobuf => protobuf::read(page, sink),
        Format::Text | Format::OpenMetrics => {
            let page = str::from_utf8(page).map_err(|error| format!("page is not UTF-8: {error}"))?;
            text::read(page, format == Format::OpenMetrics, sink)
        }
    }
}
