//! Metric families, and the names of their series: a name with two meanings is refused by servers.

use std::sync::Arc;

use crate::metric::MetricType;

/// The metadata of a metric family.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The family's name.
    pub name: Arc<str>,
    /// The HELP text.
    pub help: Arc<str>,
    /// The TYPE.
    pub metric_type: MetricType,
    /// The UNIT, the ending of the name; empty if there is none.
    pub unit: Arc<str>,
    /// `true` if some of its series have created times.
    pub has_created: bool,
}

impl Family {
    /// A family without a unit and without created times.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, help: impl Into<Arc<str>>, metric_type: MetricType) -> Self {
        Self { name: name.into(), help: help.into(), metric_type, unit: "".into(), has_created: false }
    }

    /// `true` if the family has series with its name and this suffix.
    fn has_series(&self, suffix: &str) -> bool {
        use MetricType::{Histogram, NativeHistogram, Summary};
        match suffix {
            "_bucket" => matches!(self.metric_type, Histogram | NativeHistogram),
            "_sum" | "_count" => matches!(self.metric_type, Histogram | NativeHistogram | Summary),
            "_created" => self.has_created,
            _ => false,
        }
    }
}

/// The family that has series of this name though it has another one, as a summary `x` has `x_sum`. `known` finds families by
/// their names.
pub fn family_of_series<'f>(name: &str, known: impl Fn(&str) -> Option<&'f Family>) -> Option<&'f Family> {
    ["_bucket", "_sum", "_count", "_created"].into_iter().find_map(|suffix| {
        let stem = name.strip_suffix(suffix)?;
        // A counter's created time has the counter's name without its suffix.
        let family = |name: &str| known(name).filter(|family| family.has_series(suffix));
        family(stem).or_else(|| if suffix == "_created" { family(&format!("{stem}_total")) } else { None })
    })
}
