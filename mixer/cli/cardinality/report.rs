//! The report of a look: tables for people, an object for programs, and the budgets that are exceeded.

use std::cmp::Reverse;

use promemu_core::plural::plural;
use serde_json::{Value, json};

use super::last_look::LastLook;
use super::look::{Count, Look};
use crate::table::{self, table, whole};

/// The most series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budgets {
    /// Of all metrics together.
    pub(super) total: u64,
    /// Of one name.
    pub(super) each: u64,
}

/// A look, with the one before it.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) url: &'a str,
    pub(super) look: &'a Look,
    pub(super) last: Option<&'a LastLook>,
    pub(super) budgets: Budgets,
    /// Number of rows of each table.
    pub(super) top: usize,
}

impl Report<'_> {
    /// `true` if a budget is exceeded.
    pub(super) fn is_over_budget(&self) -> bool {
        !self.exceeded().is_empty()
    }

    /// The budgets that are exceeded, in words.
    fn exceeded(&self) -> Vec<String> {
        let Budgets { total, each } = self.budgets;
        let of_all = (self.look.series > total)
            .then(|| format!("{} in all; the budget is {total}", series(self.look.series)));
        let over = self.look.metrics.iter().filter(|metric| metric.count > each);
        let of_each = over.map(|metric| {
            format!("{} has {}; the budget of each is {each}", metric.name, series(metric.count))
        });
        of_all.into_iter().chain(of_each).collect()
    }

    /// The growth of a metric; `None` without an earlier look, or if it was not among the largest then.
    fn growth(&self, metric: &Count) -> Option<i128> {
        let before = self.last?.metrics.get(&metric.name)?;
        Some(i128::from(metric.count) - i128::from(*before))
    }

    fn total_growth(&self) -> Option<i128> {
        Some(i128::from(self.look.series) - i128::from(self.last?.series))
    }

    /// The tables, and the budgets that are exceeded.
    pub(super) fn text(&self) -> String {
        let (look, width) = (self.look, table::width());
        let place = if look.is_by_query { "" } else { " in memory" };
        let growth = self.last.zip(self.total_growth());
        let growth =
            growth.map(|(last, growth)| format!(", {growth:+} since {}", last.at)).unwrap_or_default();
        let head = format!(
            "{}: {}{place}{growth}; the budget is {}, and {} for each metric",
            self.url,
            series(look.series),
            self.budgets.total,
            self.budgets.each
        );
        let mut text = table::paragraph(&head, 0, width);
        let metrics = look.metrics.iter().take(self.top).map(|metric| {
            let share = 100.0 * ratio(metric.count, look.series);
            let growth = self.growth(metric).map(|growth| format!("{growth:+}")).unwrap_or_default();
            [metric.name.clone(), metric.count.to_string(), format!("{share:.1} %"), growth]
        });
        text.push('\n');
        let columns = [whole("METRIC"), whole("SERIES"), whole("SHARE"), whole("GROWTH")];
        text.push_str(&table(columns, metrics, 0, width));
        let labels = look.labels.iter().take(self.top);
        let labels = labels.map(|label| [label.name.clone(), label.count.to_string()]);
        text.push('\n');
        text.push_str(&table([whole("LABEL"), whole("VALUES")], labels, 0, width));
        let values = look.values.iter().take(self.top);
        let values = values.map(|of| [of.label.clone(), of.value.clone(), of.series.to_string()]);
        text.push('\n');
        text.push_str(&table([whole("LABEL"), whole("VALUE"), whole("SERIES")], values, 0, width));
        if look.labels_left_out > 0 {
            let left_out = format!("{} labels are not counted", look.labels_left_out);
            text.push_str(&table::paragraph(&left_out, 0, width));
        }
        let exceeded = self.exceeded();
        if !exceeded.is_empty() {
            text.push('\n');
        }
        for line in exceeded {
            text.push_str(&table::paragraph(&format!("over budget: {line}"), 0, width));
        }
        text
    }

    /// A line of a later look: the total, and the metrics that grew most.
    pub(super) fn line(&self) -> String {
        let growth = self.total_growth().unwrap_or_default();
        let mut grown: Vec<(i128, &Count)> =
            self.look.metrics.iter().filter_map(|metric| Some((self.growth(metric)?, metric))).collect();
        grown.retain(|(growth, _)| *growth > 0);
        grown.sort_by_key(|(growth, _)| Reverse(*growth));
        let grown: Vec<String> =
            grown.iter().take(3).map(|(growth, metric)| format!("{} {growth:+}", metric.name)).collect();
        let grown = if grown.is_empty() { String::new() } else { format!(": {}", grown.join(", ")) };
        let line = format!("{} {}, {growth:+}{grown}\n", self.look.at.rfc3339(), series(self.look.series));
        self.exceeded().iter().fold(line, |text, over| text + "over budget: " + over.as_str() + "\n")
    }

    /// The look as one object.
    pub(super) fn json(&self) -> Value {
        let look = self.look;
        let metric = |metric: &Count| {
            let growth = self.growth(metric).and_then(|growth| i64::try_from(growth).ok());
            json!({ "name": metric.name, "series": metric.count, "growth": growth })
        };
        let growth = self
            .last
            .zip(self.total_growth())
            .map(|(last, growth)| json!({ "since": last.at, "series": i64::try_from(growth).ok() }));
        let labels = look.labels.iter().map(|label| json!({ "name": label.name, "values": label.count }));
        let values =
            look.values.iter().map(|of| json!({ "label": of.label, "value": of.value, "series": of.series }));
        json!({
            "url": self.url,
            "at": look.at.rfc3339(),
            "counted": if look.is_by_query { "by query" } else { "in memory" },
            "series": look.series,
            "growth": growth,
            "budget": { "total": self.budgets.total, "each": self.budgets.each },
            "over_budget": self.exceeded(),
            "metrics": look.metrics.iter().take(self.top).map(metric).collect::<Vec<_>>(),
            "labels": labels.take(self.top).collect::<Vec<_>>(),
            "values": values.take(self.top).collect::<Vec<_>>(),
            "labels_left_out": look.labels_left_out,
        })
    }
}

fn series(count: u64) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "series", "series")
}

#[expect(clippy::cast_precision_loss, reason = "a share of some digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
