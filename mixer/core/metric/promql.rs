//! PromQL of one metric: selectors, rates and quantiles, as its type needs them.
//!
//! The text is only built here; the caller picks the matchers and the range of a rate, and aggregates over hosts.

use std::borrow::Cow;

use super::metric_type::MetricType;

/// The series of one metric, from which expressions are made.
#[derive(Clone, Debug)]
pub struct MetricQuery<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// Its type.
    pub metric_type: MetricType,
    /// The label matchers, without braces.
    pub matchers: String,
    /// The range of `rate` and `increase`: `5m`, `$__rate_interval`.
    pub range: &'a str,
}

/// The aggregation of a histogram's series before a quantile is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantileOf<'a> {
    /// Not at all: one quantile for each series.
    Each,
    /// One quantile for all series.
    All,
    /// One quantile for each value of this label.
    By(&'a str),
}

impl MetricQuery<'_> {
    /// `name{matchers}`, with a suffix to the name.
    #[must_use]
    pub fn series(&self, suffix: &str) -> String {
        selector(&format!("{}{suffix}", self.name), &self.matchers)
    }

    /// The growth per second of the series with this suffix.
    #[must_use]
    pub fn rate(&self, suffix: &str) -> String {
        format!("rate({}[{}])", self.series(suffix), self.range)
    }

    /// The growth over the range of the series with this suffix.
    #[must_use]
    pub fn increase(&self, suffix: &str) -> String {
        format!("increase({}[{}])", self.series(suffix), self.range)
    }

    /// The rate of a counter, the value of any other type.
    #[must_use]
    pub fn level(&self) -> String {
        if self.metric_type == MetricType::Counter { self.rate("") } else { self.series("") }
    }

    /// The suffix of a histogram's series that hold its buckets; a native histogram has none.
    #[must_use]
    pub fn bucket_suffix(&self) -> &'static str {
        if self.metric_type == MetricType::Histogram { "_bucket" } else { "" }
    }

    /// The quantile of a histogram's recent observations. Classic buckets keep their label `le`.
    #[must_use]
    pub fn quantile(&self, quantile: f64, of: QuantileOf<'_>) -> String {
        let le = (self.metric_type == MetricType::Histogram).then_some("le");
        let label = match of {
            QuantileOf::By(label) => Some(label),
            QuantileOf::Each | QuantileOf::All => None,
        };
        let kept: Vec<&str> = le.into_iter().chain(label).collect();
        let by = if kept.is_empty() { String::new() } else { format!(" by ({}) ", kept.join(", ")) };
        let rate = self.rate(self.bucket_suffix());
        let inner = if of == QuantileOf::Each { rate } else { format!("sum{by}({rate})") };
        format!("histogram_quantile({quantile}, {inner})")
    }

    /// The number of observations of a histogram or a summary.
    #[must_use]
    pub fn observation_count(&self) -> String {
        if self.metric_type == MetricType::NativeHistogram {
            format!("histogram_count({})", self.series(""))
        } else {
            self.series("_count")
        }
    }

    /// The number of observations of a histogram or a summary per second.
    #[must_use]
    pub fn observation_rate(&self) -> String {
        if self.metric_type == MetricType::NativeHistogram {
            format!("histogram_count({})", self.rate(""))
        } else {
            self.rate("_count")
        }
    }

    /// The growth per second of a type that grows, the value of any other one.
    #[must_use]
    pub fn growth(&self) -> String {
        match self.metric_type {
            MetricType::Histogram | MetricType::NativeHistogram | MetricType::Summary => {
                self.observation_rate()
            }
            _ => self.level(),
        }
    }

    /// The expression for a chart of one series: a counter's rate, a histogram's 95th percentile, else the value.
    #[must_use]
    pub fn chart(&self) -> String {
        match self.metric_type {
            MetricType::Histogram => self.quantile(0.95, QuantileOf::All),
            MetricType::NativeHistogram => self.quantile(0.95, QuantileOf::Each),
            _ => self.level(),
        }
    }
}

/// Words that PromQL reads as something else than a metric's name, in any case of letters
/// (<https://github.com/prometheus/prometheus/blob/main/promql/parser/lex.go>).
const KEYWORDS: [&str; 41] = [
    "and",
    "or",
    "unless",
    "atan2",
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
    "offset",
    "smoothed",
    "anchored",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "start",
    "end",
    "step",
    "range",
    "inf",
    "nan",
    "fill",
    "fill_left",
    "fill_right",
    "info",
    "true",
    "false",
    "infinity",
];

/// `true` for a name that PromQL reads as something else.
#[must_use]
pub fn is_keyword(name: &str) -> bool {
    KEYWORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// `name{matchers}`; for a name that is a word of the language `{__name__="name",matchers}`.
#[must_use]
pub fn selector(name: &str, matchers: &str) -> String {
    if is_keyword(name) {
        let comma = if matchers.is_empty() { "" } else { "," };
        return format!("{{__name__=\"{name}\"{comma}{matchers}}}");
    }
    format!("{name}{{{matchers}}}")
}

/// The inside of a quoted text of PromQL, with each character that a text file may lose or change as an escape.
#[must_use]
pub fn printable(quoted: &str) -> Cow<'_, str> {
    let is_odd = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !quoted.contains(is_odd) {
        return Cow::Borrowed(quoted);
    }
    let escaped =
        quoted.chars().map(|c| if is_odd(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() });
    Cow::Owned(escaped.collect())
}

/// Label matchers for exact values, without braces.
#[must_use]
pub fn equal_matchers<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> String {
    let matchers = labels.into_iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let value = printable(&value);
        format!("{name}=\"{value}\"")
    });
    matchers.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(metric_type: MetricType) -> MetricQuery<'static> {
        let matchers = equal_matchers([("job", "a"), ("name", "we\"b")]);
        MetricQuery { name: "m", metric_type, matchers, range: "5m" }
    }

    #[test]
    fn a_chart_shows_what_fits_the_type() {
        let all = MetricType::ALL.map(|metric_type| query(metric_type).chart()).join("\n");
        insta::assert_snapshot!(all, @r#"
        m{job="a",name="we\"b"}
        rate(m{job="a",name="we\"b"}[5m])
        histogram_quantile(0.95, sum by (le) (rate(m_bucket{job="a",name="we\"b"}[5m])))
        histogram_quantile(0.95, rate(m{job="a",name="we\"b"}[5m]))
        m{job="a",name="we\"b"}
        m{job="a",name="we\"b"}
        m{job="a",name="we\"b"}
        "#);
    }

    #[test]
    fn a_name_that_is_a_word_of_the_language_is_a_matcher() {
        let series = |name, matchers: &str| {
            MetricQuery { name, metric_type: MetricType::Gauge, matchers: matchers.to_owned(), range: "5m" }
                .series("")
        };
        assert_eq!(series("on", "a=\"b\""), "{__name__=\"on\",a=\"b\"}");
        assert_eq!(series("NaN", ""), "{__name__=\"NaN\"}");
        assert_eq!(series("Group_Left", ""), "{__name__=\"Group_Left\"}");
        assert_eq!(series("on_time", ""), "on_time{}");
    }

    #[test]
    fn characters_that_files_lose_are_escapes() {
        assert_eq!(equal_matchers([("l", "a\rb\u{7f}\u{85}\tc\\")]), r#"l="a\u000db\u007f\u0085\u0009c\\""#);
        assert_eq!(equal_matchers([("l", "\u{feff}\u{2028}ü\n")]), r#"l="\ufeff\u2028ü\n""#);
    }

    #[test]
    fn a_quantile_by_a_label_keeps_the_buckets_bounds() {
        let classic = query(MetricType::Histogram).quantile(0.5, QuantileOf::By("zone"));
        assert!(
            classic.starts_with("histogram_quantile(0.5, sum by (le, zone) (rate(m_bucket{"),
            "{classic}"
        );
        let native = query(MetricType::NativeHistogram).quantile(0.5, QuantileOf::All);
        assert!(native.starts_with("histogram_quantile(0.5, sum(rate(m{"), "{native}");
    }
}
