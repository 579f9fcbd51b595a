//! The verdict on notifications.

use indexmap::IndexSet;

use super::Judge;
use crate::plan::{AlertSelection, Scope};
use crate::time::{Span, Time};
use crate::verdict::observation::Notification;

impl Judge<'_> {
    pub(super) fn notifies(
        &mut self,
        (receiver, alert): (&str, &AlertSelection),
        within: Option<Span>,
        (scope, windows): (&Scope, &[(Time, Time)]),
    ) {
        let seen = &self.seen.notifications;
        let of_alert = || seen.received.iter().filter(|known| known.alert.is_in(alert));
        for (index, (begin, end)) in windows.iter().enumerate() {
            let until = windows.get(index + 1).map_or(Time::NEVER, |(next, _)| *next);
            let limit = within.map_or_else(|| self.end_of(scope, *end), |within| *begin + within);
            let in_window = |known: &&Notification| (*begin..until).contains(&known.at);
            let first = of_alert()
                .filter(in_window)
                .filter(|known| known.receiver == receiver)
                .map(|known| known.at)
                .min();
            match first {
                Some(first) if first <= limit => {
                    let after = first.since(*begin);
                    let text =
                        format!("notified {}, {after} after {}", self.at(first), self.since_start(*begin));
                    self.passed(first, text);
                }
                Some(first) => {
                    let (late, by) = (first.since(limit), self.since_start(limit));
                    let text = format!("notified {late} too late: {}, not by {by}", self.at(first));
                    self.failed(first, text);
                }
                None => {
                    let others: IndexSet<&str> =
                        of_alert().filter(in_window).map(|known| known.receiver.as_str()).collect();
                    self.not_notified((receiver, &others), (*begin, limit));
                }
            }
        }
    }

    fn not_notified(&mut self, (receiver, others): (&str, &IndexSet<&str>), (begin, limit): (Time, Time)) {
        let seen = self.seen;
        if let Some(why) = &seen.notifications.missing {
            self.undecided(begin, why.clone());
        } else if limit > seen.grid.to {
            let (end, needed) = (self.at(seen.grid.to), self.since_start(limit));
            let text = format!("the run ends {end}, before it must notify; --for {needed} decides it");
            self.undecided(seen.grid.to, text);
        } else {
            let others: Vec<String> = others.iter().map(|other| format!("{other:?}")).collect();
            let others =
                if others.is_empty() { String::new() } else { format!("; it reached {}", others.join(", ")) };
            self.failed(begin, format!("did not reach {receiver:?} {} or later{others}", self.at(begin)));
        }
    }
}
