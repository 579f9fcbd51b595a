//! The report of measured dashboards: a table for people, two dashboards side by side, and an object for programs.

use promemu_core::backfill::Grid;
use promemu_core::time::Span;
use promemu_core::verdict::Outcome;
use serde_json::{Value, json};

use super::limits::QueryClass;
use super::rounds::{ROUNDS, Times};
use super::unread::Unread;
use crate::table::{self, prose, table, whole};

/// The classes, in the order of a table.
const CLASSES: [QueryClass; 5] =
    [QueryClass::Page, QueryClass::GrafanaPage, QueryClass::Simple, QueryClass::Rate, QueryClass::Quantile];

/// Number of unread families that a table names.
const UNREAD_MAX: usize = 20;

/// The times of a page or of a query.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) dashboard: String,
    pub(super) class: QueryClass,
    /// The query; empty of a page.
    pub(super) query: String,
    pub(super) limit: Span,
    pub(super) times: Result<Times, String>,
}

impl Measured {
    fn outcome(&self) -> Outcome {
        match &self.times {
            Err(_) => Outcome::Undecided,
            Ok(times) if times.p95() > self.limit => Outcome::Failed,
            Ok(_) => Outcome::Passed,
        }
    }

    fn p95(&self) -> Span {
        self.times.as_ref().map_or(Span::FOREVER, Times::p95)
    }
}

/// The series of all metrics, or of the largest one.
#[derive(Clone, Debug)]
pub(super) struct SeriesMeasured {
    pub(super) name: String,
    pub(super) limit: u64,
    pub(super) count: Result<u64, String>,
}

impl SeriesMeasured {
    fn outcome(&self) -> Outcome {
        match &self.count {
            Err(_) => Outcome::Undecided,
            Ok(count) if *count > self.limit => Outcome::Failed,
            Ok(_) => Outcome::Passed,
        }
    }
}

/// All that was measured.
#[derive(Clone, Debug)]
pub(super) struct Report {
    url: String,
    grid: Grid,
    pub(super) measured: Vec<Measured>,
    pub(super) series: Vec<SeriesMeasured>,
    /// The families that nothing reads, or why they are not known.
    pub(super) unread: Result<Unread, String>,
}

impl Report {
    pub(super) const fn new(url: String, grid: Grid) -> Self {
        let unread = Ok(Unread { names: Vec::new(), of: 0 });
        Self { url, grid, measured: Vec::new(), series: Vec::new(), unread }
    }

    /// The worst outcome.
    pub(super) fn worst(&self) -> Outcome {
        let series = self.series.iter().map(SeriesMeasured::outcome);
        self.measured.iter().map(Measured::outcome).chain(series).max().unwrap_or(Outcome::Passed)
    }

    fn dashboards(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.measured.iter().map(|of| of.dashboard.as_str()).collect();
        names.dedup();
        names
    }

    /// Those of a class and a dashboard, the slowest first.
    fn of(&self, dashboard: &str, class: QueryClass) -> Vec<&Measured> {
        let is_of = |of: &&Measured| of.dashboard == dashboard && of.class == class;
        let mut found: Vec<&Measured> = self.measured.iter().filter(is_of).collect();
        found.sort_by_key(|of| std::cmp::Reverse(of.p95()));
        found
    }

    /// A table: of each class the slowest query, and each that is too slow.
    pub(super) fn text(&self) -> String {
        let width = table::width();
        let head = format!(
            "{}: pages over {}, {ROUNDS} times cold and warm; of each kind the slowest query, and each that is too slow",
            self.url,
            self.grid.to.since(self.grid.from)
        );
        let mut text = table::paragraph(&head, 0, width);
        let mut rows = Vec::new();
        for dashboard in self.dashboards() {
            for class in CLASSES {
                let found = self.of(dashboard, class);
                let is_shown = |(at, of): &(usize, &&Measured)| *at == 0 || of.outcome() != Outcome::Passed;
                rows.extend(found.iter().enumerate().filter(is_shown).map(|(_, of)| row(of, found.len())));
            }
        }
        rows.extend(self.series.iter().map(|of| {
            let (count, why) = match &of.count {
                Ok(count) => (count.to_string(), String::new()),
                Err(why) => (String::new(), format!(": {why}")),
            };
            let outcome = of.outcome().name().to_uppercase();
            [
                outcome,
                "series".to_owned(),
                of.limit.to_string(),
                count,
                String::new(),
                format!("{}{why}", of.name),
            ]
        }));
        text.push('\n');
        let columns =
            [whole("OUTCOME"), whole("OF"), whole("BUDGET"), whole("COLD"), whole("WARM"), prose("QUERY")];
        text.push_str(&table(columns, rows, 0, width));
        text.push_str(&table::paragraph("times are the median / the p95", 0, width));
        text.push_str(&table::paragraph(&self.unread_text(), 0, width));
        if let [one, other] = self.dashboards()[..] {
            text.push('\n');
            text.push_str(&self.compared(one, other, width));
        }
        text
    }

    /// The families that nothing reads, in a sentence.
    fn unread_text(&self) -> String {
        match &self.unread {
            Ok(Unread { names, of }) => {
                let shown = names.iter().take(UNREAD_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = names.len().saturating_sub(UNREAD_MAX);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let list = if names.is_empty() { String::new() } else { format!(": {shown}{more}") };
                format!("{} of {of} families are read by no panel and no rule{list}", names.len())
            }
            Err(why) => format!("it is not known which families are read: {why}"),
        }
    }

    /// Two dashboards side by side.
    fn compared(&self, one: &str, other: &str, width: Option<u16>) -> String {
        let mut rows = Vec::new();
        for class in CLASSES {
            let sides = [one, other].map(|dashboard| self.of(dashboard, class));
            if sides.iter().all(Vec::is_empty) {
                continue;
            }
            if !matches!(class, QueryClass::Page | QueryClass::GrafanaPage) {
                let [one, other] = sides.each_ref().map(|found| found.len().to_string());
                rows.push([format!("{}: number", class.name()), one, other]);
            }
            let [one, other] = sides.map(|found| {
                found
                    .first()
                    .and_then(|of| of.times.as_ref().ok())
                    .map(|times| short(times.p95()))
                    .unwrap_or_default()
            });
            rows.push([format!("{}: slowest p95", class.name()), one, other]);
        }
        let names = format!("FIRST is {one}, SECOND {other}");
        let mut text = table(["SIDE BY SIDE", "FIRST", "SECOND"].map(whole), rows, 0, width);
        text.push_str(&table::paragraph(&names, 0, width));
        text
    }

    /// The report as one object, with all queries. Times are in milliseconds.
    pub(super) fn json(&self) -> String {
        let rounds = |rounds: &[Span]| {
            let [median, p95] = Times::of(rounds);
            json!({ "median_ms": millis(median), "p95_ms": millis(p95) })
        };
        let measured = |of: &Measured| {
            let mut value = json!({
                "dashboard": of.dashboard,
                "kind": of.class.name(),
                "query": of.query,
                "outcome": of.outcome().name(),
                "budget_ms": millis(of.limit),
            });
            match &of.times {
                Ok(times) => {
                    value["first_ms"] = millis(times.first).into();
                    value["cold"] = rounds(&times.cold);
                    value["warm"] = rounds(&times.warm);
                    value["empty"] = times.empty.into();
                }
                Err(why) => value["why"] = why.as_str().into(),
            }
            value
        };
        let series = |of: &SeriesMeasured| {
            let (count, why) = match &of.count {
                Ok(count) => (Value::from(*count), Value::Null),
                Err(why) => (Value::Null, why.as_str().into()),
            };
            json!({ "name": of.name, "outcome": of.outcome().name(), "budget": of.limit, "series": count, "why": why })
        };
        let report = json!({
            "prometheus": self.url,
            "from": self.grid.from.rfc3339(),
            "to": self.grid.to.rfc3339(),
            "rounds": ROUNDS,
            "measured": self.measured.iter().map(measured).collect::<Vec<_>>(),
            "series": self.series.iter().map(series).collect::<Vec<_>>(),
            "unread": self.unread.as_ref().ok().map(|unread| &unread.names),
        });
        format!("{report:#}\n")
    }
}

fn row(of: &Measured, count: usize) -> [String; 6] {
    let outcome = of.outcome().name().to_uppercase();
    let (cold, warm, note) = match &of.times {
        Ok(times) => {
            let pair = |rounds: &[Span]| Times::of(rounds).map(short).join(" / ");
            let empty = match times.empty {
                0 => String::new(),
                empty => format!(" ({empty} without data)"),
            };
            (pair(&times.cold), pair(&times.warm), empty)
        }
        Err(why) => (String::new(), String::new(), format!(": {why}")),
    };
    let what = match of.class {
        QueryClass::Page | QueryClass::GrafanaPage => of.dashboard.clone(),
        _ if count > 1 => format!("{}, one of {count} in {}", of.query, of.dashboard),
        _ => format!("{}, of {}", of.query, of.dashboard),
    };
    [outcome, of.class.name().to_owned(), of.limit.to_string(), cold, warm, format!("{what}{note}")]
}

fn millis(span: Span) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

/// A time with three digits.
fn short(span: Span) -> String {
    match millis(span) {
        millis if millis < 10.0 => format!("{millis:.1}ms"),
        millis if millis < 1_000.0 => format!("{millis:.0}ms"),
        millis => format!("{:.2}s", millis / 1_000.0),
    }
}
