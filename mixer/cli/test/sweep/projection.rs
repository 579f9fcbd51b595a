//! The measures of a sweep in the months to come, if its argument grows.
//!
//! Between two levels, and beyond the last ones, a measure follows the power of the argument that leads through both of them.

use serde_json::{Value, json};

use super::level::Level;
use super::short::{short, short_bytes};

/// The months of which it tells.
const MONTHS: [i32; 5] = [0, 3, 6, 12, 24];

/// The projection of a sweep.
#[derive(Debug)]
pub(super) struct Projection<'a> {
    /// Values of the argument and their levels, the lowest first.
    levels: Vec<(f64, &'a Level)>,
    /// Today's value.
    today: f64,
    /// Percent in a month.
    pub(super) growth: f64,
}

impl<'a> Projection<'a> {
    /// The projection of levels, of which the first is today's; `None` if they are not two or more numbers above 0.
    pub(super) fn of(levels: &'a [Level], growth: f64) -> Option<Self> {
        let numbers: Option<Vec<(f64, &Level)>> = levels
            .iter()
            .map(|level| {
                let number =
                    level.value.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)?;
                Some((number, level))
            })
            .collect();
        let mut levels = numbers?;
        let today = levels.first()?.0;
        levels.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        levels.dedup_by(|(a, _), (b, _)| a.to_bits() == b.to_bits());
        (levels.len() > 1).then_some(Self { levels, today, growth })
    }

    fn at(&self, month: i32) -> f64 {
        self.today * (1.0 + self.growth / 100.0).powi(month)
    }

    fn is_beyond(&self, value: f64) -> bool {
        let (lowest, highest) = (self.levels[0].0, self.levels[self.levels.len() - 1].0);
        value < lowest * (1.0 - 1e-9) || value > highest * (1.0 + 1e-9)
    }

    /// `true` if a month is beyond the levels.
    pub(super) fn leaves_the_levels(&self) -> bool {
        MONTHS.iter().any(|month| self.is_beyond(self.at(*month)))
    }

    /// A measure at a value of the argument; `None` if a level has none.
    fn projected(&self, value: f64, measure: impl Fn(&Level) -> Option<f64>) -> Option<f64> {
        let last = self.levels.len() - 1;
        let upper = self.levels.partition_point(|(of, _)| *of < value).clamp(1, last);
        let [(x0, low), (x1, high)] = [self.levels[upper - 1], self.levels[upper]];
        let (y0, y1) = (measure(low)?, measure(high)?);
        let share = (value / x0).ln() / (x1 / x0).ln();
        Some(if y0 > 0.0 && y1 > 0.0 { y0 * (y1 / y0).powf(share) } else { y0 + (y1 - y0) * share })
    }

    /// The sizes and the means of the measures at a value of the argument, in the order of their columns.
    fn all_at(&self, value: f64) -> Vec<Option<f64>> {
        let sizes: [fn(&Level) -> Option<f64>; 3] = [
            |level| Some(level.series),
            |level| Some(level.samples_per_sec),
            |level| Some(level.bytes_a_day),
        ];
        let mut all: Vec<_> = sizes.into_iter().map(|size| self.projected(value, size)).collect();
        for name in self.levels[0].1.measures.keys() {
            all.push(
                self.projected(value, |level| level.measures.get(name)?.as_ref().ok().map(|it| it.mean)),
            );
        }
        all
    }

    /// The texts of a row for each month.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        MONTHS.iter().map(|month| {
            let value = self.at(*month);
            let mark = if self.is_beyond(value) { "~" } else { "" };
            let cells = self.all_at(value).into_iter().enumerate().map(|(column, number)| match number {
                Some(bytes) if column == 2 => format!("{mark}{}", short_bytes(bytes)),
                Some(number) => format!("{mark}{}", short(number)),
                None => "-".to_owned(),
            });
            [month.to_string(), short(value)].into_iter().chain(cells).collect()
        })
    }

    pub(super) fn json(&self) -> Value {
        let month = |month: &i32| {
            let value = self.at(*month);
            let all = self.all_at(value);
            let names = self.levels[0].1.measures.keys().cloned();
            let measures: serde_json::Map<String, Value> =
                names.zip(all[3..].iter().map(|number| json!(number))).collect();
            json!({
                "month": month,
                "value": value,
                "is_beyond_the_levels": self.is_beyond(value),
                "series": all[0],
                "samples_per_second": all[1],
                "storage_bytes_a_day": all[2],
                "measures": measures,
            })
        };
        MONTHS.iter().map(month).collect()
    }
}
