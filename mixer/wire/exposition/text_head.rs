//! The text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>): heads of families. Their lines
//! are in [`super::lines`].
//!
//! This version has no exemplars, no created times and no exponential buckets: a native histogram has its `+Inf` bucket
//! only. Infos and state sets are gauges.

use promemu_core::series::Family;

/// Appends the HELP and TYPE lines.
pub(super) fn put_head(family: &Family, out: &mut Vec<u8>) {
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    put_help(&family.help, out);
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(family.metric_type.text_name().as_bytes());
    out.push(b'\n');
}

/// A HELP text escapes `\` and newlines, but not `"`.
fn put_help(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            other => out.push(other),
        }
    }
}
