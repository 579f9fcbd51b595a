//! OpenMetrics 1.0 as text
//! (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>): the lines are those of the
//! text format, but for exemplars, created times, and numbers in labels.

use promemu_core::metric::MetricType;
use promemu_core::series::{Family, put_escaped};

/// A family's type in OpenMetrics, and its name without what its type adds. A counter or an info that has the wrong name
/// for that, or whose other name is that of another family, is of type unknown.
#[must_use]
pub fn type_and_stem(family: &Family, is_taken: impl Fn(&str) -> bool) -> (&'static str, &str) {
    let suffixed = |type_name, suffix| {
        let stem = family.name.strip_suffix(suffix).filter(|stem| !stem.is_empty() && !is_taken(stem));
        stem.map_or(("unknown", &*family.name), |stem| (type_name, stem))
    };
    match family.metric_type {
        MetricType::Counter => suffixed("counter", "_total"),
        MetricType::Info => suffixed("info", "_info"),
        MetricType::StateSet => ("stateset", &family.name),
        other => (other.text_name(), &family.name),
    }
}

/// Appends what stands before a family's series.
pub fn put_head(family: &Family, type_name: &str, stem: &str, out: &mut Vec<u8>) {
    let mut put = |keyword: &str, text: &str| {
        out.extend_from_slice(b"# ");
        out.extend_from_slice(keyword.as_bytes());
        out.push(b' ');
        out.extend_from_slice(stem.as_bytes());
        out.push(b' ');
        put_escaped(text.as_bytes(), out);
        out.push(b'\n');
    };
    put("TYPE", type_name);
    let has_unit = stem.strip_suffix(&*family.unit).is_some_and(|rest| rest.ends_with('_'));
    if has_unit && !family.unit.is_empty() && !matches!(type_name, "info" | "stateset") {
        put("UNIT", &family.unit);
    }
    put("HELP", &family.help);
}

/// The end of a body.
pub(super) const EOF: &[u8] = b"# EOF\n";
