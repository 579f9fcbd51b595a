//! The verdicts on alerts.

use indexmap::IndexSet;

use super::Judge;
use super::Outcome;
use crate::number::Shown;
use crate::plan::{AlertSelection, Scope};
use crate::time::{Span, Time};
use crate::timeline::{TruthRecord, TruthSubject};
use crate::verdict::alert_series::{AlertSeries, Firing};
use crate::verdict::expected_alerts::{ExpectedAlerts, records};
use crate::verdict::observation::ComparedValues;

impl Judge<'_> {
    pub(super) fn fires(
        &mut self,
        alert: &AlertSelection,
        (within, times): (Option<Span>, u32),
        (scope, windows): (&Scope, &[(Time, Time)]),
    ) {
        let seen = self.seen;
        if self.is_undecided(alert) {
            return;
        }
        let alerts: Vec<&AlertSeries> = seen.alerts.iter().filter(|known| known.is_in(alert)).collect();
        let expected = ExpectedAlerts::of(self.plan, self.verdicts, seen, true);
        for (index, (begin, end)) in windows.iter().enumerate() {
            let until = windows.get(index + 1).map_or(Time::NEVER, |(next, _)| *next);
            let limit = within.map_or_else(|| self.end_of(scope, *end), |within| *begin + within);
            let in_window = |firing: &&Firing| (*begin..until).contains(&firing.begin);
            let all = alerts.iter().flat_map(|known| known.firing.iter());
            let first = all.clone().filter(in_window).map(|firing| firing.begin).min();
            match first {
                Some(first) if first <= limit => {
                    let text = format!(
                        "fired {}, {} after {}",
                        self.at(first),
                        first.since(*begin),
                        self.since_start(*begin)
                    );
                    self.passed(first, text);
                }
                Some(first) => {
                    let late = first.since(limit);
                    let text = format!(
                        "fired {late} too late: {}, not by {}",
                        self.at(first),
                        limit.since(seen.grid.from)
                    );
                    self.failed(first, text);
                }
                None => self.did_not_fire((alert, &alerts), (*begin, limit)),
            }
            for known in &alerts {
                let begins: Vec<Time> =
                    known.firing.iter().filter(in_window).map(|firing| firing.begin).collect();
                let unwanted = expected.unwanted(known, &begins, (scope, *begin, times));
                if let Some(first) = unwanted.first() {
                    let all: Vec<String> = begins.iter().map(|begin| self.at(*begin)).collect();
                    let text = format!("{known} fired {} times: {}", begins.len(), all.join(", "));
                    self.failed(*first, text);
                }
            }
        }
    }

    /// `true`, with the reason as a finding, if it could not be found out when an alert fired.
    pub(super) fn is_undecided(&mut self, alert: &AlertSelection) -> bool {
        let why = self.seen.undecided_alerts.get(&alert.name);
        why.map(|why| self.findings.add(Outcome::Undecided, None, why.clone())).is_some()
    }

    /// The finding of an alert that did not begin to fire in a window.
    fn did_not_fire(
        &mut self,
        (wanted, alerts): (&AlertSelection, &[&AlertSeries]),
        (begin, limit): (Time, Time),
    ) {
        let on_at =
            |times: &[Firing], at: Time| times.iter().find(|on| on.begin < at && at < on.end).copied();
        let before = alerts.iter().find_map(|alert| on_at(&alert.firing, begin));
        let in_time = |on: &&Firing| on.begin <= limit && begin < on.end;
        let pending = alerts.iter().flat_map(|alert| &alert.pending).find(in_time);
        if let Some(before) = before {
            let text = format!(
                "fired already {}, before {}",
                self.at(before.begin),
                begin.since(self.seen.grid.from)
            );
            self.failed(before.begin, text);
        } else if limit > self.seen.grid.to {
            let text = format!(
                "the run ends {}, before it must fire; --for {} decides it",
                self.at(self.seen.grid.to),
                self.since_start(limit)
            );
            self.undecided(self.seen.grid.to, text);
        } else if let Some(pending) = pending {
            let text = format!("was pending {}, and did not fire", self.at(pending.begin));
            self.failed(pending.begin, text);
        } else {
            let is_other = |other: &&AlertSeries| {
                other.name == wanted.name
                    && other.firing.iter().any(|on| in_time(&on))
                    && !other.is_in(wanted)
            };
            let other = self.seen.alerts.iter().find(is_other);
            let other = other.map(|other| format!("; {other} did, with other labels")).unwrap_or_default();
            let nearest = self.nearest_value(wanted, (begin, limit));
            self.failed(begin, format!("did not fire {} or later{other}{nearest}", self.at(begin)));
        }
    }

    /// The value between two times that came nearest to the alert's threshold, in words. Values are of all label sets together.
    fn nearest_value(&self, wanted: &AlertSelection, (begin, limit): (Time, Time)) -> String {
        let values = self.seen.compared.get(&wanted.name).filter(|_| wanted.labels.is_empty());
        let Some(ComparedValues { threshold, is_above, values }) = values else { return String::new() };
        let in_time = self.seen.grid.iter().zip(values).filter(|(at, _)| (begin..=limit).contains(at));
        let present = in_time.filter_map(|(at, value)| Some((at, value.filter(|value| !value.is_nan())?)));
        let (name, nearest) = if *is_above {
            ("peak", present.min_by(|(_, a), (_, b)| b.total_cmp(a)))
        } else {
            ("lowest", present.min_by(|(_, a), (_, b)| a.total_cmp(b)))
        };
        let Some((at, value)) = nearest else { return "; its expression had no data".to_owned() };
        let [value, threshold] = [value, *threshold].map(Shown::rounded);
        format!("; {name} {value} {}, threshold {threshold}", self.at(at))
    }

    /// The end of a window. That of the whole run is its last moment.
    pub(super) fn end_of(&self, scope: &Scope, end: Time) -> Time {
        if *scope == Scope::Run { self.seen.grid.to } else { end }
    }

    pub(super) fn resolves(
        &mut self,
        alert: &AlertSelection,
        within: Span,
        (scope, (begin, end)): (&Scope, (Time, Time)),
    ) {
        let deadline = if *scope == Scope::Run { self.seen.grid.to } else { end + within };
        let alerts = self.seen.alerts.iter().filter(|known| known.is_in(alert));
        let expected = ExpectedAlerts::of(self.plan, self.verdicts, self.seen, true);
        let is_of_another = |known: &AlertSeries, firing: &Firing| {
            firing.begin >= end && expected.has_later(known, firing.begin, (scope, begin))
        };
        let in_window = |firing: &Firing| firing.begin <= deadline && begin < firing.end;
        let fired: Vec<(String, Firing)> = alerts
            .flat_map(|known| known.firing.iter().map(move |firing| (known, *firing)))
            .filter(|(known, firing)| in_window(firing) && !is_of_another(known, firing))
            .map(|(known, firing)| (known.to_string(), firing))
            .collect();
        if deadline > self.seen.grid.to {
            let text = format!(
                "the run ends {}, before it must resolve; --for {} decides it",
                self.at(self.seen.grid.to),
                self.since_start(deadline)
            );
            self.undecided(self.seen.grid.to, text);
        } else if fired.is_empty() {
            self.failed(begin, format!("never fired {} or later", self.at(begin)));
        }
        for (name, firing) in fired {
            if firing.end <= deadline {
                let text = format!("{name} resolved {}", self.at(firing.end));
                self.passed(firing.end, text);
            } else if deadline <= self.seen.grid.to {
                let text = match firing.end {
                    Time::NEVER => format!("{name} still fires {}", self.at(self.seen.grid.to)),
                    late => format!("{name} resolved {}, {} too late", self.at(late), late.since(deadline)),
                };
                self.failed(deadline, text);
            }
        }
    }

    /// The faults that are on at a time, and whose ground truth has no alerts, in words.
    fn faults_without_alerts(&self, at: Time) -> String {
        let is_on = |record: &TruthRecord<'_>| {
            record.subject == TruthSubject::Fault
                && record.truth.alerts.is_empty()
                && (record.begin..record.end).contains(&at)
        };
        let ids: IndexSet<String> =
            records(self.plan, self.seen).filter(is_on).map(|record| format!("{:?}", record.id)).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        match ids.as_slice() {
            [] => String::new(),
            [one] => format!(" while the fault {one} was on, whose truth names no alerts"),
            _ => format!(" while the faults {} were on, whose truth names no alerts", ids.join(", ")),
        }
    }

    /// Returns `true` if an alert of the run itself, not of its twin, is one too many.
    pub(super) fn no_other_alerts(&mut self, except: &[String]) -> bool {
        let seen = self.seen;
        for (name, why) in seen.undecided_alerts.iter().filter(|(name, _)| !except.contains(name)) {
            self.findings.add(Outcome::Undecided, None, format!("{name}: {why}"));
        }
        let runs = [(Some(&seen.alerts), true), (seen.twin.as_ref(), false)];
        let mut is_to_be_seen = false;
        for (alerts, has_faults) in runs {
            let Some(alerts) = alerts else { continue };
            let expected = ExpectedAlerts::of(self.plan, self.verdicts, seen, has_faults);
            for alert in alerts.iter().filter(|alert| !except.contains(&alert.name)) {
                for firing in alert.firing.iter().filter(|firing| !expected.has(alert, **firing)) {
                    let without = if has_faults { "" } else { " without the faults" };
                    let unlabelled =
                        if has_faults { self.faults_without_alerts(firing.begin) } else { String::new() };
                    let text = format!("{alert} fired {}{without}{unlabelled}", self.at(firing.begin));
                    self.failed(firing.begin, text);
                    is_to_be_seen |= has_faults;
                }
            }
        }
        let has_faults =
            !self.plan.faults.is_empty() || self.plan.hosts.iter().any(|host| host.faults().next().is_some());
        let twin = match &seen.twin {
            Some(_) => ", nor without the faults",
            None if has_faults => " in this run; one without the faults (--no-faults) was not judged",
            None => "",
        };
        self.findings.add(Outcome::Passed, None, format!("no other alert fired{twin}"));
        is_to_be_seen
    }
}
