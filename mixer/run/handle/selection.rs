//! The series of a family over all hosts, as an id names them: `avg:METRIC`, or `sum:METRIC{server="a"}` for those with these
//! labels.

use promemu_core::backfill::Aggregate;
use promemu_core::series::{LabelBlock, Sample};

/// Before the number of a bucket in the word of an id.
const BUCKET: &str = "bucket";
/// Histograms of more buckets are not read bucket by bucket.
pub(super) const BUCKETS_MAX: usize = 24;

/// `true` for a word of an id that names series over all hosts.
#[must_use]
pub fn is_operator(word: &str) -> bool {
    Operator::of_word(word).is_some()
}

/// Before an id: growth per second instead of a total or a number of observations. Other series show what they show.
pub const RATE: &str = "rate:";

/// An operator over the values of all hosts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Avg,
    Sum,
    Min,
    Max,
    /// A quantile of the recent observations of histograms.
    Quantile(f64),
    /// The recent observations per second in one bucket of histograms, from that of the lowest.
    Bucket(usize),
}

impl Operator {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "p50" => Self::Quantile(0.5),
            "p90" => Self::Quantile(0.9),
            "p95" => Self::Quantile(0.95),
            "p99" => Self::Quantile(0.99),
            _ => {
                let number = word.strip_prefix(BUCKET)?.parse().ok();
                Self::Bucket(number.filter(|number| *number < BUCKETS_MAX)?)
            }
        })
    }

    /// `true` if it needs the buckets of histograms.
    pub(super) const fn needs_buckets(self) -> bool {
        matches!(self, Self::Quantile(_) | Self::Bucket(_))
    }

    /// Its value; `None` of nothing, and for what needs buckets.
    pub(super) fn of(self, all: &Aggregate) -> Option<f64> {
        let value = match self {
            Self::Avg => all.sum / all.count,
            Self::Sum => all.sum,
            Self::Min => all.min,
            Self::Max => all.max,
            Self::Quantile(_) | Self::Bucket(_) => return None,
        };
        (all.count > 0.0).then_some(value)
    }
}

/// Series of a family, and the operator over them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Selection {
    pub(super) operator: Operator,
    /// The family's name.
    pub(super) metric: String,
    /// Labels that the series have, among others.
    pub(super) labels: Vec<(String, String)>,
}

impl Selection {
    /// Reads an id; `None` for one of a single host.
    pub(super) fn parse(id: &str) -> Option<Self> {
        let (word, selected) = id.split_once(':')?;
        let operator = Operator::of_word(word)?;
        let (metric, labels) = selected.split_at(selected.find('{').unwrap_or(selected.len()));
        let labels = if labels.is_empty() { Vec::new() } else { read_labels(labels)? };
        (!metric.contains('/')).then(|| Self { operator, metric: metric.to_owned(), labels })
    }
}

/// `true` for a series with these labels, among others.
pub(super) fn has_labels(labels: &[(String, String)], sample: &Sample<'_>) -> bool {
    let value = |block: &LabelBlock, name: &str, value: &str| block.get(name) == Some(value);
    labels.iter().all(|(name, wanted)| {
        value(sample.metric_labels, name, wanted) || value(sample.host_labels, name, wanted)
    })
}

/// An id without `rate:`, and whether it had it.
pub(super) fn without_rate(id: &str) -> (&str, bool) {
    id.strip_prefix(RATE).map_or((id, false), |plain| (plain, true))
}

/// Labels in braces, as in `{a="b",c="d"}`.
fn read_labels(text: &str) -> Option<Vec<(String, String)>> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut labels = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once("=\"")?;
        let (mut value, mut chars) = (String::new(), behind.char_indices());
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name.to_owned(), value));
        rest = &behind[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_an_operator_and_no_slash_is_over_all_hosts() {
        let parsed = |id: &str| Selection::parse(id).map(|all| (all.operator, all.metric, all.labels));
        let none = Vec::new;
        assert_eq!(parsed("avg:cpu"), Some((Operator::Avg, "cpu".to_owned(), none())));
        assert_eq!(parsed("sum:node:cpu"), Some((Operator::Sum, "node:cpu".to_owned(), none())));
        assert_eq!(parsed("p99:took"), Some((Operator::Quantile(0.99), "took".to_owned(), none())));
        assert_eq!(parsed("bucket11:took"), Some((Operator::Bucket(11), "took".to_owned(), none())));
        assert!(is_operator("bucket0") && !is_operator("bucket24") && !is_operator("bucket"));
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = vec![label("a", "x/y\"\n\\"), label("b", "")];
        let id = r#"max:state{a="x/y\"\n\\",b=""}"#;
        assert_eq!(parsed(id), Some((Operator::Max, "state".to_owned(), labels)));
        for id in
            ["avg:1/cpu", "web-1/cpu", "p98:cpu", "max:state{a=\"x}", "max:state{a}", "max:state{a=\"x\""]
        {
            assert_eq!(parsed(id), None, "{id}");
        }
    }
}
