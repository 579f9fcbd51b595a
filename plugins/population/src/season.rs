//! The factor of the time of day, of the week, and of bursts; its mean over a week is 1.

use jiff::Timestamp;

use crate::settings::Settings;

/// The seconds for which an hour's factor is kept.
const KEPT_SECS: u64 = 900;

/// The factor at a time, which keeps the last quarter of an hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Season {
    kept: Option<(u64, f64)>,
}

impl Season {
    /// The factor at a time in seconds since the Unix epoch.
    pub(crate) fn factor(&mut self, settings: &Settings, unix_secs: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times after 1970")]
        let quarter = unix_secs as u64 / KEPT_SECS;
        let hour = match self.kept {
            Some((kept, factor)) if kept == quarter => factor,
            _ => of_hour(settings, quarter * KEPT_SECS),
        };
        self.kept = Some((quarter, hour));
        hour * of_burst(settings, unix_secs)
    }
}

#[expect(clippy::cast_possible_wrap, reason = "emulated times are within the calendar")]
fn of_hour(settings: &Settings, unix_secs: u64) -> f64 {
    if settings.hours.is_empty() && settings.weekdays.is_empty() {
        return 1.0;
    }
    let Ok(time) = Timestamp::from_second(unix_secs as i64) else { return 1.0 };
    let time = time.to_zoned(settings.time_zone.clone());
    let of = |factors: &[f64], index: i8| {
        usize::try_from(index).ok().and_then(|index| factors.get(index)).copied().unwrap_or(1.0)
    };
    of(&settings.hours, time.hour()) * of(&settings.weekdays, time.weekday().to_monday_zero_offset())
}

fn of_burst(settings: &Settings, unix_secs: f64) -> f64 {
    let burst = settings.burst;
    let mean = 1.0 + (burst.factor - 1.0) * burst.secs / burst.every_secs;
    let into = libm::fmod(unix_secs, burst.every_secs) - burst.every_secs / 2.0;
    let is_on = (0.0..burst.secs).contains(&into);
    if is_on { burst.factor / mean } else { 1.0 / mean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::examples::three_kinds;

    #[test]
    fn the_mean_over_a_week_is_1_and_the_shape_is_that_of_the_hours() {
        let mut settings = three_kinds(100);
        settings.hours = (0..24).map(|hour| if (9..17).contains(&hour) { 2.0 } else { 0.5 }).collect();
        settings.weekdays = vec![1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5];
        settings.time_zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let mut season = Season::default();
        // 2026-01-05, a Monday, at 00:00 UTC.
        let at = |minute: u32| 1_767_571_200.0 + f64::from(minute) * 60.0;
        let sum: f64 = (0..7 * 1440).map(|minute| season.factor(&settings, at(minute))).sum();
        assert!((sum / 10_080.0 - 1.0).abs() < 1e-9, "{sum}");
        // Nine o'clock in Berlin, and an hour before; half of the hour has a burst.
        let [night, day, burst] =
            [7 * 60, 8 * 60, 8 * 60 + 32].map(|minute| season.factor(&settings, at(minute)));
        assert!(
            (day / night - 4.0).abs() < 1e-9 && (burst / day - 3.0).abs() < 1e-9,
            "{night} {day} {burst}"
        );
    }
}
