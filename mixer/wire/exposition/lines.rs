//! Lines of one series, `name{labels} value`, which the text format and OpenMetrics share but for exemplars, created
//! times, numbers in labels, and values that OpenMetrics does not allow.

use promemu_core::metric::Kind;
use promemu_core::series::{Family, LabelBlock, Sample, put_escaped};

use super::openmetrics::{OpenMetricsFamily, put_exemplar};
use crate::number::{put_canonical, put_label_number, put_number};
use crate::series_expansion::{ExtraLabel, PlainSeries, Suffix, exemplar_index, for_each_series};

/// The format of the lines.
#[derive(Clone, Copy)]
pub(super) enum Dialect<'a> {
    Text,
    OpenMetrics(OpenMetricsFamily<'a>),
}

/// Labels of a series: those of the host, the metric and the group.
type Labels<'a> = [&'a LabelBlock; 3];

/// Appends all lines of a series.
pub(super) fn put_series(
    family: &Family,
    dialect: Dialect<'_>,
    labels: Labels<'_>,
    sample: &Sample<'_>,
    out: &mut Vec<u8>,
) {
    let Sample { layout, cells, .. } = *sample;
    let openmetrics = match dialect {
        Dialect::Text => None,
        Dialect::OpenMetrics(openmetrics) => Some(openmetrics),
    };
    let is_openmetrics = openmetrics.is_some();
    let exemplar = openmetrics.filter(OpenMetricsFamily::has_exemplars).and_then(|_| layout.exemplar(cells));
    let marked = exemplar.map(|exemplar| (exemplar_index(&layout.kind, exemplar.value), exemplar));
    let mut allowed = AllowedValues::of(&layout.kind);
    let mut total = 0.0;
    for_each_series(&layout.kind, |series| {
        let value = series.source.value(|place| cells[place], &mut total);
        if is_openmetrics && !allowed.allow(&series, value) {
            return;
        }
        out.extend_from_slice(family.name.as_bytes());
        out.extend_from_slice(series.suffix.as_str().as_bytes());
        put_labels(labels, series.label, &family.name, is_openmetrics, out);
        out.push(b' ');
        put_number(value, out);
        if let Some((_, exemplar)) = marked.filter(|(index, _)| *index == series.index) {
            put_exemplar(&exemplar, out);
        }
        out.push(b'\n');
    });
    if let Some(openmetrics) = openmetrics.filter(OpenMetricsFamily::has_created)
        && let Some(created) = layout.created_unix_secs(cells)
    {
        out.extend_from_slice(openmetrics.stem.as_bytes());
        out.extend_from_slice(b"_created");
        put_labels(labels, ExtraLabel::None, &family.name, true, out);
        out.push(b' ');
        put_number(created, out);
        out.push(b'\n');
    }
}

/// The values that the specification of `OpenMetrics` allows: sums and quantiles are not negative, a histogram whose
/// observations may be negative has no sum, and there is no count without a sum.
struct AllowedValues {
    has_sum: bool,
}

impl AllowedValues {
    fn of(kind: &Kind) -> Self {
        let may_be_negative = match kind {
            Kind::Histogram { bounds } => bounds.first().is_some_and(|bound| *bound < 0.0),
            _ => false,
        };
        Self { has_sum: !may_be_negative }
    }

    /// `true` if the series may be written. Series are asked for in their order.
    #[inline]
    fn allow(&mut self, series: &PlainSeries<'_>, value: f64) -> bool {
        match (series.suffix, series.label) {
            (Suffix::Sum, _) => {
                self.has_sum &= value >= 0.0;
                self.has_sum
            }
            (Suffix::Count, _) => self.has_sum,
            (_, ExtraLabel::Quantile(_)) => value >= 0.0 || value.is_nan(),
            _ => true,
        }
    }
}

/// Appends `{labels,extra}`, or nothing if there are none.
#[inline]
fn put_labels(
    labels: Labels<'_>,
    extra: ExtraLabel<'_>,
    family_name: &str,
    is_openmetrics: bool,
    out: &mut Vec<u8>,
) {
    // Each part is preceded by the byte that ends the one before it.
    let mut separator = b'{';
    for block in labels {
        let text = block.as_text();
        if !text.is_empty() {
            out.push(separator);
            out.extend_from_slice(text);
            separator = b',';
        }
    }
    match extra {
        ExtraLabel::None if separator == b',' => out.push(b'}'),
        ExtraLabel::None => {}
        ExtraLabel::Le(bound) => put_number_label(separator, "le", bound, is_openmetrics, out),
        ExtraLabel::Quantile(quantile) => {
            put_number_label(separator, "quantile", quantile, is_openmetrics, out);
        }
        ExtraLabel::State(state) => {
            put_name(separator, family_name, out);
            put_escaped(state.as_bytes(), out);
            out.extend_from_slice(b"\"}");
        }
    }
}

#[inline]
fn put_number_label(separator: u8, name: &str, number: f64, is_openmetrics: bool, out: &mut Vec<u8>) {
    put_name(separator, name, out);
    if is_openmetrics {
        put_canonical(number, out);
    } else {
        put_label_number(number, out);
    }
    out.extend_from_slice(b"\"}");
}

#[inline]
fn put_name(separator: u8, name: &str, out: &mut Vec<u8>) {
    out.push(separator);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
}
