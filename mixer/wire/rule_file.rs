//! Rule files of a Prometheus
//! (<https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/>): read from YAML, and written again as JSON, which
//! is YAML, too.
//!
//! A rule that is read has a name, an expression, and durations that Prometheus takes; the expression itself is not parsed. A
//! file that is written and read again is the same.

use indexmap::IndexMap;
use promemu_core::time::Span;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFile {
    /// Its groups.
    pub groups: Vec<RuleGroup>,
}

/// Rules that are evaluated one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleGroup {
    /// Its name.
    pub name: String,
    /// The time between two evaluations; `None` for that of the server.
    pub interval: Option<Span>,
    /// The time by which evaluations look back; `None` for that of the server.
    pub query_offset: Option<Span>,
    /// Maximum number of alerts or series of a rule; 0 for any number.
    pub limit: u64,
    /// Labels of all of its rules.
    pub labels: IndexMap<String, String>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The kind.
    pub kind: RuleKind,
    /// The name of the alert, or of the series that it records.
    pub name: String,
    /// The expression of PromQL.
    pub expr: String,
    /// The time for which an alert is pending before it fires (`for`).
    pub hold: Span,
    /// The time for which an alert goes on to fire.
    pub keep_firing_for: Span,
    /// Its labels; those of alerts are templates.
    pub labels: IndexMap<String, String>,
    /// Annotations of an alert.
    pub annotations: IndexMap<String, String>,
}

/// The kinds of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// An alert.
    Alert,
    /// A series that is computed.
    Record,
}

impl RuleFile {
    /// Reads a file. `name` is that of the file in problems, each of which says its place and its rule.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<String>> {
        let written: Option<WrittenFile> =
            serde_saphyr::from_str(text).map_err(|error| vec![problem(name, &error)])?;
        let (mut groups, mut problems) = (Vec::new(), Vec::new());
        for group in written.unwrap_or_default().groups.unwrap_or_default() {
            groups.push(group.read(&mut |text| problems.push(format!("{name}: {text}"))));
        }
        if problems.is_empty() { Ok(Self { groups }) } else { Err(problems) }
    }

    /// The file as JSON, which a Prometheus reads as YAML.
    #[must_use]
    pub fn to_json(&self) -> String {
        let groups: Vec<Value> = self.groups.iter().map(RuleGroup::json).collect();
        json!({ "groups": groups }).to_string()
    }
}

impl RuleGroup {
    fn json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("name".to_owned(), json!(self.name));
        put_span("interval", self.interval, &mut fields);
        put_span("query_offset", self.query_offset, &mut fields);
        if self.limit > 0 {
            fields.insert("limit".to_owned(), json!(self.limit));
        }
        put_texts("labels", &self.labels, &mut fields);
        fields.insert("rules".to_owned(), self.rules.iter().map(Rule::json).collect());
        Value::Object(fields)
    }
}

impl Rule {
    fn json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert(self.kind.field().to_owned(), json!(self.name));
        fields.insert("expr".to_owned(), json!(self.expr));
        put_span("for", Some(self.hold).filter(|hold| *hold > Span::ZERO), &mut fields);
        let keep = Some(self.keep_firing_for).filter(|keep| *keep > Span::ZERO);
        put_span("keep_firing_for", keep, &mut fields);
        put_texts("labels", &self.labels, &mut fields);
        put_texts("annotations", &self.annotations, &mut fields);
        Value::Object(fields)
    }
}

impl RuleKind {
    /// The field of a rule that has its name.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Record => "record",
        }
    }
}

fn put_span(name: &str, span: Option<Span>, fields: &mut Map<String, Value>) {
    if let Some(span) = span {
        fields.insert(name.to_owned(), json!(format!("{}ms", span.as_nanos() / 1_000_000)));
    }
}

fn put_texts(name: &str, texts: &IndexMap<String, String>, fields: &mut Map<String, Value>) {
    if !texts.is_empty() {
        fields.insert(name.to_owned(), json!(texts));
    }
}

/// A problem of YAML with its place, on one line.
fn problem(name: &str, error: &serde_saphyr::Error) -> String {
    let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    format!("{name}{place}: {line}")
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    groups: Option<Vec<WrittenGroup>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGroup {
    name: String,
    interval: Option<String>,
    query_offset: Option<String>,
    limit: Option<u64>,
    labels: Option<IndexMap<String, String>>,
    rules: Option<Vec<WrittenRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    record: Option<String>,
    alert: Option<String>,
    expr: Option<String>,
    r#for: Option<String>,
    keep_firing_for: Option<String>,
    labels: Option<IndexMap<String, String>>,
    annotations: Option<IndexMap<String, String>>,
}

impl WrittenGroup {
    fn read(self, problem: &mut dyn FnMut(String)) -> RuleGroup {
        let name = self.name;
        let mut duration = |field: &str, text: Option<&str>| {
            read_duration(text, &mut |text| problem(format!("group {name:?}: {field}: {text}")))
        };
        let interval = duration("interval", self.interval.as_deref());
        let query_offset = duration("query_offset", self.query_offset.as_deref());
        let written = self.rules.unwrap_or_default();
        let mut rules = Vec::with_capacity(written.len());
        for (number, rule) in (1..).zip(written) {
            let named = match (&rule.alert, &rule.record) {
                (Some(name), None) => format!("alert {name:?}"),
                (None, Some(name)) => format!("record {name:?}"),
                _ => format!("rule {number}"),
            };
            rules.extend(rule.read(&mut |text| problem(format!("group {name:?}, {named}: {text}"))));
        }
        let (limit, labels) = (self.limit.unwrap_or_default(), self.labels.unwrap_or_default());
        RuleGroup { name, interval, query_offset, limit, labels, rules }
    }
}

impl WrittenRule {
    fn read(self, problem: &mut dyn FnMut(String)) -> Option<Rule> {
        let (kind, name) = match (self.alert, self.record) {
            (Some(name), None) => (RuleKind::Alert, name),
            (None, Some(name)) => (RuleKind::Record, name),
            (Some(_), Some(_)) => {
                problem("alert and record are both there; choose one".to_owned());
                return None;
            }
            (None, None) => {
                problem("alert or record is missing".to_owned());
                return None;
            }
        };
        if name.is_empty() {
            problem(format!("{} is empty", kind.field()));
        }
        let expr = self.expr.unwrap_or_default();
        if expr.trim().is_empty() {
            problem("expr is missing".to_owned());
        }
        let mut duration = |field: &str, text: Option<&str>| {
            read_duration(text, &mut |text| problem(format!("{field}: {text}"))).unwrap_or(Span::ZERO)
        };
        let hold = duration("for", self.r#for.as_deref());
        let keep_firing_for = duration("keep_firing_for", self.keep_firing_for.as_deref());
        let (labels, annotations) = (self.labels.unwrap_or_default(), self.annotations.unwrap_or_default());
        Some(Rule { kind, name, expr, hold, keep_firing_for, labels, annotations })
    }
}

fn read_duration(text: Option<&str>, problem: &mut dyn FnMut(String)) -> Option<Span> {
    let text = text?;
    let span = duration(text);
    if span.is_none() {
        problem(format!("{text:?} is not a duration of Prometheus; write 90s, 15m or 1h30m"));
    }
    span
}

/// A duration as Prometheus writes it: whole numbers with units, the longest first.
fn duration(text: &str) -> Option<Span> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(Span::ZERO);
    }
    let (mut rest, mut units, mut millis) = (text, &UNITS[..], 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let at = units.iter().position(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(units[at].1)?)?;
        (rest, units) = (behind, &units[at + 1..]);
    }
    (!text.is_empty()).then_some(millis.checked_mul(1_000_000).map(Span::from_nanos)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
# Rules as people write them.
groups:
  - name: load
    interval: 1m
    limit: 10
    labels: { team: shop }
    rules:
      - record: job:load:avg
        expr: avg by (job) (load)
        labels: { level: 1, on: true }
      - alert: Busy
        expr: |
          job:load:avg
            > 90
        for: 1h30m
        keep_firing_for: 90s
        labels:
          severity: page
        annotations: { summary: "load of {{ $labels.job }}: \"{{ $value }}\"" }
      - alert: Always
        expr: 1
  - name: empty
"#;

    #[test]
    fn rules_are_read_as_people_write_them_and_written_again() {
        let file = RuleFile::parse("r.yml", FILE).unwrap();
        let load = &file.groups[0];
        assert_eq!((load.interval, load.limit), (Some(Span::from_secs(60)), 10));
        let [record, busy, always] = &load.rules[..] else { panic!("{load:?}") };
        let labels: Vec<(&str, &str)> = record.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            (record.kind, &*record.name, labels),
            (RuleKind::Record, "job:load:avg", vec![("level", "1"), ("on", "true")])
        );
        assert_eq!((busy.hold, busy.keep_firing_for), (Span::from_secs(5_400), Span::from_secs(90)));
        assert_eq!(&*busy.expr, "job:load:avg\n  > 90\n");
        assert_eq!((&*always.expr, always.hold), ("1", Span::ZERO));
        assert_eq!(RuleFile::parse("r.json", &file.to_json()), Ok(file));
        for empty in ["", "groups:", "groups: []", "# nothing\n"] {
            assert_eq!(RuleFile::parse("r.yml", empty), Ok(RuleFile::default()), "{empty:?}");
        }
    }

    #[test]
    fn problems_name_the_file_the_rule_and_all_that_is_wrong() {
        let problems = |text: &str| RuleFile::parse("r.yml", text).unwrap_err();
        let rules = "groups:\n  - name: g\n    rules:\n      - { alert: A, expr: up, for: 5x, keep_firing_for: 1m1h }\n      - { record: r }\n      - { expr: up }\n      - { alert: A, record: r, expr: up }\n";
        assert_eq!(
            problems(rules),
            [
                "r.yml: group \"g\", alert \"A\": for: \"5x\" is not a duration of Prometheus; write 90s, 15m or 1h30m",
                "r.yml: group \"g\", alert \"A\": keep_firing_for: \"1m1h\" is not a duration of Prometheus; write 90s, 15m or 1h30m",
                "r.yml: group \"g\", record \"r\": expr is missing",
                "r.yml: group \"g\", rule 3: alert or record is missing",
                "r.yml: group \"g\", rule 4: alert and record are both there; choose one",
            ]
        );
        let unknown = problems("groups:\n  - name: g\n    rules:\n      - { alert: A, exp: up }\n");
        assert!(unknown[0].starts_with("r.yml:4:") && unknown[0].contains("exp"), "{unknown:?}");
        let broken = problems("groups:\n  - name: \"g\n");
        assert!(broken[0].starts_with("r.yml:") && !broken[0].contains('\n'), "{broken:?}");
    }

    #[test]
    fn durations_are_those_of_prometheus() {
        let millis = |text| duration(text).map(|span| span.as_nanos() / 1_000_000);
        for (text, expected) in [
            ("0", 0),
            ("0s", 0),
            ("5m", 300_000),
            ("1d12h", 129_600_000),
            ("1s500ms", 1_500),
            ("1y", 31_536_000_000),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for text in ["", "5", "m", "1.5h", "1m1h", "1m 1s", "-1m", "99999999999999y"] {
            assert_eq!(millis(text), None, "{text:?}");
        }
    }
}
