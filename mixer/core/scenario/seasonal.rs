//! `seasonal`: a factor by the hour of the day and the day of the week.
//!
//! Between two full hours the factor is interpolated linearly.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::arguments::{Arguments, Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "seasonal",
    summary: "follows the hour of the day and the day of the week, alone or as a factor in a product",
    params: &[
        Param {
            name: "hours",
            kind: ParamKind::Numbers,
            default: "24 times 1",
            help: "the factor at each full hour from midnight on, with linear interpolation in between",
        },
        Param {
            name: "weekdays",
            kind: ParamKind::Numbers,
            default: "7 times 1",
            help: "the factor of each day, from Monday on",
        },
        Param {
            name: "time_zone",
            kind: ParamKind::Text,
            default: "UTC",
            help: "the time zone of the hours, as in Europe/Berlin",
        },
        Param {
            name: "base",
            kind: ParamKind::Number,
            default: "1",
            help: "the value that the factors multiply",
        },
    ],
    build: &build,
};

fn build(arguments: &mut Arguments) -> Result<Plan, String> {
    let base = arguments.number("base").unwrap_or(1.0);
    let name = arguments.text("time_zone").unwrap_or_else(|| "UTC".to_owned());
    let time_zone = TimeZone::get(&name).map_err(|_| {
        format!("unknown time_zone {name:?}; write one of the tz database, as in Europe/Berlin")
    })?;
    let (hours, weekdays) = (factors(arguments, "hours")?, factors(arguments, "weekdays")?);
    Ok(Plan { base, hours, weekdays, time_zone })
}

fn factors<const N: usize>(arguments: &mut Arguments, name: &str) -> Result<[f64; N], String> {
    let Some(numbers) = arguments.numbers(name) else { return Ok([1.0; N]) };
    let count = numbers.len();
    numbers.try_into().map_err(|_| format!("{name} takes {N} numbers, but there are {count}"))
}

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    base: f64,
    hours: [f64; 24],
    weekdays: [f64; 7],
    time_zone: TimeZone,
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    #[expect(clippy::cast_possible_truncation, reason = "emulated times are within the calendar")]
    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let timestamp = Timestamp::from_second(context.now.unix_secs() as i64);
        let timestamp = timestamp.map_err(|error| format!("the time has no date: {error}"))?;
        Ok(Some(self.base * self.factor(timestamp)))
    }
}

impl Plan {
    /// The product of the hour's and the weekday's factor.
    fn factor(&self, timestamp: Timestamp) -> f64 {
        let time = timestamp.to_zoned(self.time_zone.clone());
        let index = |number: i8| usize::try_from(number).unwrap_or(0);
        let hour = index(time.hour());
        let past = (f64::from(time.minute()) * 60.0 + f64::from(time.second())) / 3600.0;
        let (from, to) = (self.hours[hour], self.hours[(hour + 1) % 24]);
        let weekday = index(time.weekday().to_monday_zero_offset());
        (from + (to - from) * past) * self.weekdays[weekday]
    }
}
