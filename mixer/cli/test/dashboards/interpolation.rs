//! Variables in texts of a dashboard, filled in as Grafana's data source for Prometheus does.
//!
//! The forms are `$name`, `${name}`, `${name:format}` and `[[name]]`. Grafana's own variables begin with two underscores.

use std::sync::OnceLock;

use indexmap::IndexMap;
use promemu_core::backfill::Grid;
use promemu_core::time::Span;
use regex_lite::{Captures, Regex};

/// Number of points of a curve, by which Grafana sets its step.
const POINTS: u64 = 1_000;
/// The fewest scrapes of a rate.
const RATE_SCRAPES: u64 = 4;

/// The selected values of a variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selected {
    /// The values.
    pub(super) values: Vec<String>,
    /// The text that stands for all values, if all are selected and there is one.
    pub(super) all_value: Option<String>,
    /// `true` if several can be selected, so that a value is a part of a regular expression.
    pub(super) is_pattern: bool,
}

/// The selected values of all variables.
pub(super) type Selection = IndexMap<String, Selected>;

/// The time range, and the step of a query: Grafana's own variables.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeRange {
    grid: Grid,
    interval: Span,
    rate_interval: Span,
}

impl TimeRange {
    /// The whole run, scraped at these times, with the shortest step that a query sets.
    pub(super) fn new(scrapes: &Grid, min_step: Option<Span>) -> Self {
        let scrape = min_step.unwrap_or(scrapes.step);
        let fitting = Span::from_nanos(scrapes.to.since(scrapes.from).as_nanos() / POINTS);
        let fitting = if fitting > Span::from_secs(1) {
            Span::from_secs(fitting.as_nanos().div_ceil(1_000_000_000))
        } else {
            fitting
        };
        let interval = scrape.max(fitting);
        let rate_interval = interval.plus(scrape).max(scrape.times(RATE_SCRAPES));
        Self { grid: *scrapes, interval, rate_interval }
    }

    /// Time between two steps of a query.
    pub(super) const fn step(&self) -> Span {
        self.interval
    }

    /// The value of a variable of Grafana's own; `None` if it has none of that name.
    fn value(&self, name: &str) -> Option<String> {
        let range = self.grid.to.since(self.grid.from);
        let millis = |span: Span| span.as_nanos() / 1_000_000;
        Some(match name {
            "__interval" => duration(self.interval),
            "__interval_ms" => millis(self.interval).to_string(),
            "__rate_interval" => duration(self.rate_interval),
            "__rate_interval_ms" => millis(self.rate_interval).to_string(),
            "__range" => duration(range),
            "__range_s" => (millis(range).div_ceil(1_000)).to_string(),
            "__range_ms" => millis(range).to_string(),
            "__from" => self.grid.from.unix_millis().to_string(),
            "__to" => self.grid.to.unix_millis().to_string(),
            _ => return None,
        })
    }
}

/// A duration of PromQL.
fn duration(span: Span) -> String {
    match span.as_nanos() / 1_000_000 {
        millis if millis % 1_000 == 0 => format!("{}s", millis / 1_000),
        millis => format!("{millis}ms"),
    }
}

/// A text with variables filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// Names for which there is no variable; they are left as they are.
    pub(super) unknown: Vec<String>,
}

/// Fills variables in.
pub(super) fn fill_in(text: &str, selection: &Selection, range: &TimeRange) -> Filled {
    let mut unknown = Vec::new();
    let Some(pattern) = pattern() else { return Filled { text: text.to_owned(), unknown } };
    let text = pattern.replace_all(text, |found: &Captures<'_>| {
        let (name, format) = parts(found);
        let value = selection.get(name).map(|selected| selected.text(format));
        value.or_else(|| range.value(name)).unwrap_or_else(|| {
            // A number is a group of a regular expression.
            if !name.starts_with(|first: char| first.is_ascii_digit()) {
                unknown.push(name.to_owned());
            }
            found[0].to_owned()
        })
    });
    Filled { text: text.into_owned(), unknown }
}

/// The shortest step that a query sets, as in `>30s`.
pub(super) fn shortest_step(text: Option<&str>, selection: &Selection, scrapes: &Grid) -> Option<Span> {
    let text = fill_in(text?, selection, &TimeRange::new(scrapes, None)).text;
    Span::parse(text.trim_start_matches('>').trim()).ok().filter(|step| *step > Span::ZERO)
}

/// The names of all variables in a text.
pub(super) fn variables_in(text: &str) -> Vec<String> {
    let all = pattern().into_iter().flat_map(|pattern| pattern.captures_iter(text));
    all.map(|found| parts(&found).0.to_owned()).collect()
}

/// Name and format of a variable.
fn parts<'t>(found: &Captures<'t>) -> (&'t str, &'t str) {
    let first = |groups: [usize; 3]| groups.into_iter().find_map(|group| found.get(group));
    let text = |found: Option<regex_lite::Match<'t>>| found.map(|found| found.as_str()).unwrap_or_default();
    (text(first([1, 2, 4])), text(first([3, 5, 5])))
}

/// The forms of a variable, as Grafana has them.
fn pattern() -> Option<&'static Regex> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let form = r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:}]+)?(?::([^}]+))?\}";
    PATTERN.get_or_init(|| Regex::new(form).ok()).as_ref()
}

impl Selected {
    /// The values in a format.
    fn text(&self, format: &str) -> String {
        if let Some(all) = &self.all_value {
            return all.clone();
        }
        let each = |form: &dyn Fn(&str) -> String, separator: &str| {
            self.values.iter().map(|value| form(value)).collect::<Vec<_>>().join(separator)
        };
        let alternatives = |form: &dyn Fn(&str) -> String| match self.values.as_slice() {
            [value] => form(value),
            _ => format!("({})", each(form, "|")),
        };
        let plain = |value: &str| value.to_owned();
        match format {
            "" if self.is_pattern => alternatives(&escaped_pattern),
            "" => each(&|value| value.replace('\\', "\\\\").replace('"', "\\\""), ","),
            "regex" => alternatives(&regex_lite::escape),
            "pipe" => each(&plain, "|"),
            "csv" | "raw" | "text" => each(&plain, ","),
            "doublequote" => each(&|value| format!("\"{}\"", value.replace('"', "\\\"")), ","),
            "singlequote" => each(&|value| format!("'{}'", value.replace('\'', "\\'")), ","),
            // Grafana takes this one for formats that it does not know.
            _ if self.values.len() == 1 => each(&plain, ""),
            _ => format!("{{{}}}", each(&plain, ",")),
        }
    }
}

/// A value inside of a regular expression that is a string of PromQL.
fn escaped_pattern(value: &str) -> String {
    let mut text = String::new();
    for sign in value.chars() {
        match sign {
            '\\' => text.push_str("\\\\\\"),
            '"' => text.push('\\'),
            sign if "$^*{}[]'+?.()|".contains(sign) => text.push_str("\\\\"),
            _ => {}
        }
        text.push(sign);
    }
    text
}

#[cfg(test)]
mod tests {
    use promemu_core::time::Time;

    use super::*;

    const START: Time = Time::from_unix_secs(1_767_571_200);

    fn range(minutes: u64, step: u64, min_step: Option<Span>) -> TimeRange {
        let to = START + Span::from_secs(minutes * 60);
        TimeRange::new(&Grid { from: START, to, step: Span::from_secs(step) }, min_step)
    }

    fn selected(values: &[&str], is_pattern: bool) -> Selected {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Selected { values, all_value: None, is_pattern }
    }

    fn filled(text: &str) -> String {
        let all = Selected { all_value: Some(".*".to_owned()), ..selected(&["x"], true) };
        let selection: Selection = [
            ("one", selected(&["web-1.eu"], true)),
            ("many", selected(&["a", "b.c"], true)),
            ("plain", selected(&["5xx"], false)),
            ("all", all),
        ]
        .map(|(name, selected)| (name.to_owned(), selected))
        .into();
        fill_in(text, &selection, &range(60, 15, None)).text
    }

    #[test]
    fn variables_are_filled_in_as_grafana_does() {
        for (text, expected) in [
            (r#"m{l=~"$one"}"#, r#"m{l=~"web-1\\.eu"}"#),
            (r#"m{l=~"$many"}"#, r#"m{l=~"(a|b\\.c)"}"#),
            (r#"m{l=~"[[many]]",k="[[plain]]"}"#, r#"m{l=~"(a|b\\.c)",k="5xx"}"#),
            ("${many:regex}", r"(a|b\.c)"),
            ("${many:pipe}", "a|b.c"),
            ("${many:csv} ${many:glob} ${one:glob}", "a,b.c {a,b.c} web-1.eu"),
            ("[[many:pipe]]", "a|b.c"),
            ("${all} ${all:regex} $all", ".* .* .*"),
            ("$plainx and $1 and ${2}", "$plainx and $1 and ${2}"),
            (r#"label_replace(m, "a", "$1", "b", "(.*)$")"#, r#"label_replace(m, "a", "$1", "b", "(.*)$")"#),
        ] {
            assert_eq!(filled(text), expected, "{text}");
        }
        let unknown = fill_in("$a ${b:csv} $1 $__nothing", &Selection::new(), &range(60, 15, None)).unknown;
        assert_eq!(unknown, ["a", "b", "__nothing"]);
    }

    #[test]
    fn the_window_of_a_rate_has_four_scrapes_or_the_step_and_one() {
        let of = |range: &TimeRange, text: &str| fill_in(text, &Selection::new(), range).text;
        let short = range(60, 15, None);
        assert_eq!(of(&short, "[$__rate_interval] $__interval ${__interval_ms}"), "[60s] 15s 15000");
        assert_eq!(of(&short, "[$__range] ${__range_s}s $__range_ms"), "[3600s] 3600s 3600000");
        assert_eq!(of(&short, "$__from $__to"), "1767571200000 1767574800000");
        let long = range(7 * 24 * 60, 15, None);
        assert_eq!(of(&long, "$__interval $__rate_interval"), "605s 620s");
        assert_eq!(of(&range(60, 15, Some(Span::from_secs(60))), "$__interval $__rate_interval"), "60s 240s");
    }
}
