//! Thresholds that must hold for a while, as rules with `for`.

use promemu_core::metric::is_absent;
use promemu_core::time::{Span, Time};

/// An alarm on a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// The number of its column.
    pub column: usize,
    /// It holds above this.
    pub above: Option<f64>,
    /// It holds below this.
    pub below: Option<f64>,
    /// Time for which it must hold.
    pub lasts: Span,
}

impl Alarm {
    /// `true` if it fires at this moment; `since` is the time since when it has held.
    #[must_use]
    pub fn fires(&self, number: f64, now: Time, since: &mut Option<Time>) -> bool {
        let holds = !is_absent(number)
            && self.above.is_none_or(|above| number > above)
            && self.below.is_none_or(|below| number < below);
        if !holds {
            *since = None;
            return false;
        }
        now.since(*since.get_or_insert(now)) >= self.lasts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_fires_when_its_condition_has_held_for_its_time() {
        let lasts = Span::from_secs(20);
        let alarm = Alarm { name: "High".to_owned(), column: 0, above: Some(5.0), below: None, lasts };
        let mut since = None;
        let values = [6.0, 7.0, 9.0, 5.0, 6.0, promemu_core::metric::ABSENT, 6.0, 6.0, 6.0];
        let fired = values
            .iter()
            .zip(0..)
            .map(|(value, n)| alarm.fires(*value, Time::from_unix_secs(n * 10), &mut since));
        let fired: Vec<bool> = fired.collect();
        assert_eq!(fired, [false, false, true, false, false, false, false, false, true]);
    }
}
