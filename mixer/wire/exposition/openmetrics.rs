//! OpenMetrics 1.0 as text
//! (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>): types, heads of families and
//! exemplars. The lines are in [`super::lines`].

use promemu_core::metric::{Exemplar, MetricType};
use promemu_core::series::{Family, put_escaped};

use crate::number::put_number;

/// The end of a body.
pub(crate) const EOF: &[u8] = b"# EOF\n";

/// A family's type and name in OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenMetricsFamily<'a> {
    /// The type as the TYPE line has it.
    type_name: &'static str,
    /// The name without the suffix that its type requires.
    pub(crate) stem: &'a str,
}

impl<'a> OpenMetricsFamily<'a> {
    /// The type and the stem of a family. A counter or an info is of type unknown if its name lacks the suffix of its type,
    /// or if its stem is the name of another family (`is_taken`).
    pub(crate) fn new(family: &'a Family, is_taken: impl Fn(&str) -> bool) -> Self {
        let suffixed = |type_name, suffix| {
            let stem = family.name.strip_suffix(suffix).filter(|stem| !stem.is_empty() && !is_taken(stem));
            stem.map_or(("unknown", &*family.name), |stem| (type_name, stem))
        };
        let (type_name, stem) = match family.metric_type {
            MetricType::Counter => suffixed("counter", "_total"),
            MetricType::Info => suffixed("info", "_info"),
            MetricType::StateSet => ("stateset", &*family.name),
            other => (other.text_name(), &*family.name),
        };
        Self { type_name, stem }
    }

    /// `true` if series of the family may have created times.
    pub(crate) fn has_created(&self) -> bool {
        self.type_name != "unknown"
    }

    /// `true` if series of the family may have exemplars.
    pub(crate) fn has_exemplars(&self) -> bool {
        matches!(self.type_name, "counter" | "histogram")
    }

    /// Appends the TYPE, UNIT and HELP lines.
    pub(crate) fn put_head(&self, family: &Family, out: &mut Vec<u8>) {
        let mut put = |keyword: &str, text: &str| {
            out.extend_from_slice(b"# ");
            out.extend_from_slice(keyword.as_bytes());
            out.push(b' ');
            out.extend_from_slice(self.stem.as_bytes());
            out.push(b' ');
            put_escaped(text.as_bytes(), out);
            out.push(b'\n');
        };
        put("TYPE", self.type_name);
        let has_unit = self.stem.strip_suffix(&*family.unit).is_some_and(|rest| rest.ends_with('_'));
        if has_unit && !family.unit.is_empty() && !matches!(self.type_name, "info" | "stateset") {
            put("UNIT", &family.unit);
        }
        put("HELP", &family.help);
    }
}

/// Appends ` # {labels} value time`, which follows the value of a line.
pub(crate) fn put_exemplar(exemplar: &Exemplar, out: &mut Vec<u8>) {
    out.extend_from_slice(b" # ");
    let mut separator = b'{';
    for (name, id) in Exemplar::LABELS.into_iter().zip([&exemplar.trace_id()[..], &exemplar.span_id()]) {
        out.push(separator);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        out.extend_from_slice(id);
        out.push(b'"');
        separator = b',';
    }
    out.extend_from_slice(b"} ");
    put_number(exemplar.value, out);
    out.push(b' ');
    put_number(exemplar.unix_secs, out);
}
