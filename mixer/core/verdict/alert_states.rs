//! The states of alerts, from the results of their expressions: inactive, pending, firing, as Prometheus' rule engine has them
//! (<https://github.com/prometheus/prometheus/blob/main/rules/alerting.go>).
//!
//! Alerts with different labels do not touch each other, so each is a state machine of its own over the steps of a grid.

use indexmap::IndexMap;

use super::alert_series::{AlertSeries, Firing};
use super::label_template::LabelTemplate;
use crate::backfill::Grid;
use crate::time::Span;

/// Labels of a series that alerts set themselves.
const OWN_LABELS: [&str; 3] = ["__name__", "alertname", "alertstate"];

/// A rule for alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    /// The name of its alerts.
    pub name: String,
    /// The time for which they are pending before they fire.
    pub hold: Span,
    /// The time for which they go on to fire.
    pub keep_firing_for: Span,
    /// Their labels, beside those of the results.
    pub labels: Vec<(String, LabelTemplate)>,
}

/// A series of the results of an expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultSeries {
    /// Its labels, with its name.
    pub labels: Vec<(String, String)>,
    /// Numbers of steps in ascending order, each with the result there.
    pub values: Vec<(usize, f64)>,
}

/// The name and the labels of an alert, the latter in order of name.
type Identity = (String, Vec<(String, String)>);

/// The states of alerts at the steps of a grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertStates(IndexMap<Identity, Vec<States>>);

/// The states of an alert at one step. Rules of the same name may have it in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct States {
    is_pending: bool,
    is_firing: bool,
}

/// The state of one alert of one rule.
enum State {
    Inactive,
    Pending {
        /// The step at which it became active.
        since: usize,
    },
    Firing {
        /// The first step without a result.
        kept_since: Option<usize>,
    },
}

impl AlertStates {
    /// Adds the alerts of a rule, from the results of its expression.
    ///
    /// # Errors
    ///
    /// Two results at one step make the same alert; Prometheus does not evaluate the rule then.
    pub fn add(&mut self, rule: &AlertRule, grid: &Grid, results: &[ResultSeries]) -> Result<(), String> {
        let steps = grid.count();
        let mut active: IndexMap<Vec<(String, String)>, Vec<bool>> = IndexMap::new();
        let has_value = rule.labels.iter().any(|(_, template)| template.has_value());
        for series in results {
            let parts = if has_value { 1 } else { series.values.len().max(1) };
            for values in series.values.chunks(parts) {
                let Some((_, value)) = values.first() else { continue };
                let of_alert = active
                    .entry(rule.labels_of(&series.labels, *value))
                    .or_insert_with(|| vec![false; steps]);
                for (step, _) in values {
                    let Some(is_active) = of_alert.get_mut(*step) else { continue };
                    if std::mem::replace(is_active, true) {
                        return Err(format!(
                            "two results of the alert {} have the same labels at {}, and Prometheus takes none then; keep a label that tells them apart",
                            rule.name,
                            grid.step.times(*step as u64)
                        ));
                    }
                }
            }
        }
        for (labels, active) in active {
            let states = self.0.entry((rule.name.clone(), labels)).or_default();
            states.resize(steps, States::default());
            rule.run(&active, grid.step, states);
        }
        Ok(())
    }

    /// The histories of the alerts: by the time at which each was on first, then by name and labels.
    #[must_use]
    pub fn histories(&self, grid: &Grid) -> Vec<AlertSeries> {
        let times: Vec<_> = grid.iter().collect();
        let history = |((name, labels), states): (&Identity, &Vec<States>)| {
            let mut alert =
                AlertSeries { name: name.clone(), labels: labels.clone(), ..AlertSeries::default() };
            for (step, state) in states.iter().enumerate() {
                let (before, next) = (step.checked_sub(1).map(|step| times[step]), times.get(step + 1));
                let lists = [(state.is_pending, &mut alert.pending), (state.is_firing, &mut alert.firing)];
                for (_, list) in lists.into_iter().filter(|(is_on, _)| *is_on) {
                    Firing::note(list, times[step], before, next.copied());
                }
            }
            alert
        };
        let mut histories: Vec<AlertSeries> = self.0.iter().map(history).collect();
        let begin = |alert: &AlertSeries| alert.pending.iter().chain(&alert.firing).map(|on| on.begin).min();
        histories.sort_by(|a, b| (begin(a), &a.name, &a.labels).cmp(&(begin(b), &b.name, &b.labels)));
        histories
    }

    /// The series `ALERTS`, as Prometheus writes it.
    #[must_use]
    pub fn series(&self) -> Vec<ResultSeries> {
        let mut all = Vec::new();
        for ((name, labels), states) in &self.0 {
            for is_firing in [false, true] {
                let is_on = |state: &States| if is_firing { state.is_firing } else { state.is_pending };
                let steps = states.iter().enumerate().filter(|(_, state)| is_on(state));
                let values: Vec<(usize, f64)> = steps.map(|(step, _)| (step, 1.0)).collect();
                if values.is_empty() {
                    continue;
                }
                let state = if is_firing { "firing" } else { "pending" };
                let mut labels = labels.clone();
                labels.extend(
                    OWN_LABELS
                        .into_iter()
                        .zip(["ALERTS", name, state])
                        .map(|(label, value)| (label.to_owned(), value.to_owned())),
                );
                all.push(ResultSeries { labels, values });
            }
        }
        all
    }
}

impl AlertRule {
    /// The labels of the alert for a result, in order of name, without those that all alerts have.
    fn labels_of(&self, result: &[(String, String)], value: f64) -> Vec<(String, String)> {
        let is_own = |label: &str| OWN_LABELS.contains(&label);
        let is_set = |label: &str| self.labels.iter().any(|(name, _)| name == label);
        let mut labels: Vec<(String, String)> =
            result.iter().filter(|(label, _)| !is_own(label) && !is_set(label)).cloned().collect();
        let set = self.labels.iter().filter(|(label, _)| !is_own(label));
        let expanded = set.map(|(label, template)| (label.clone(), template.expand(result, value)));
        labels.extend(expanded.filter(|(_, value)| !value.is_empty()));
        labels.sort_unstable();
        labels
    }

    /// Runs the state machine of one alert, and notes its state at each step.
    fn run(&self, active: &[bool], step: Span, states: &mut [States]) {
        let mut state = State::Inactive;
        for (now, (is_active, states)) in active.iter().zip(states).enumerate() {
            let since = |step_then: usize| step.times((now - step_then) as u64);
            state = match (state, is_active) {
                (State::Inactive, true) => State::Pending { since: now },
                (State::Firing { .. }, true) => State::Firing { kept_since: None },
                (pending @ State::Pending { .. }, true) => pending,
                (State::Firing { kept_since }, false) => {
                    let kept_since = kept_since.unwrap_or(now);
                    if since(kept_since) < self.keep_firing_for {
                        State::Firing { kept_since: Some(kept_since) }
                    } else {
                        State::Inactive
                    }
                }
                (State::Inactive | State::Pending { .. }, false) => State::Inactive,
            };
            if let State::Pending { since: active_since } = state
                && since(active_since) >= self.hold
            {
                state = State::Firing { kept_since: None };
            }
            states.is_pending |= matches!(state, State::Pending { .. });
            states.is_firing |= matches!(state, State::Firing { .. });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    const STEP: Span = Span::from_secs(15);

    fn grid(steps: u64) -> Grid {
        let from = Time::from_unix_secs(1_767_600_000);
        Grid { from, to: from + STEP.times(steps - 1), step: STEP }
    }

    fn rule(hold: u64, keep: u64, labels: &[(&str, &str)]) -> AlertRule {
        let labels =
            labels.iter().map(|(name, text)| ((*name).to_owned(), LabelTemplate::parse(text).unwrap()));
        AlertRule {
            name: "A".to_owned(),
            hold: Span::from_secs(hold),
            keep_firing_for: Span::from_secs(keep),
            labels: labels.collect(),
        }
    }

    /// Results where a letter is not a point, with these labels.
    fn results(labels: &[(&str, &str)], steps: &str) -> ResultSeries {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let values = steps.chars().enumerate().filter(|(_, c)| *c != '.');
        ResultSeries { labels, values: values.map(|(step, c)| (step, f64::from(u32::from(c)))).collect() }
    }

    /// The states of one alert: a letter for each step.
    fn shown(rule: &AlertRule, steps: &str) -> String {
        let mut states = AlertStates::default();
        states.add(rule, &grid(steps.len() as u64), &[results(&[], steps)]).unwrap();
        let letter = |state: &States| match (state.is_pending, state.is_firing) {
            (false, false) => '.',
            (true, false) => 'p',
            (false, true) => 'F',
            (true, true) => '!',
        };
        states.0.values().flatten().map(letter).collect()
    }

    #[test]
    fn an_alert_fires_when_it_was_active_for_its_time() {
        for (hold, steps, expected) in [
            (0, ".xx.x", ".FF.F"),
            (15, ".xx.x", ".pF.p"),
            (30, "xxxx.x", "ppFF.p"),
            (31, "xxxx.x", "pppF.p"),
            (1, "xx", "pF"),
        ] {
            assert_eq!(shown(&rule(hold, 0, &[]), steps), expected, "for {hold}s");
        }
    }

    #[test]
    fn an_alert_goes_on_to_fire_for_its_time_after_its_last_result() {
        for (hold, keep, steps, expected) in [
            (0, 15, "x....", "FF..."),
            (0, 30, "x....", "FFF.."),
            (0, 31, "x....", "FFFF."),
            (0, 30, "x..x....", "FFFFFF.."),
            (15, 30, "x.xx...x", "p.pFFF.p"),
        ] {
            assert_eq!(shown(&rule(hold, keep, &[]), steps), expected, "for {hold}s, kept {keep}s");
        }
    }

    #[test]
    fn labels_are_those_of_the_result_and_the_rule_without_empty_ones() {
        let rule =
            rule(0, 0, &[("job", ""), ("where", "{{ $labels.job }}/{{ $labels.x }}"), ("alertname", "B")]);
        let labels = [("__name__", "m"), ("job", "j"), ("x", "1"), ("alertstate", "odd")];
        let mut states = AlertStates::default();
        states.add(&rule, &grid(3), &[results(&labels, ".a.")]).unwrap();
        let history = &states.histories(&grid(3))[0];
        let expected =
            [("where", "j/1"), ("x", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!((&*history.name, &history.labels[..]), ("A", &expected[..]));
        let series = states.series();
        assert_eq!(series.len(), 1);
        assert!(series[0].labels.contains(&("alertstate".to_owned(), "firing".to_owned())));
        assert_eq!(series[0].values, [(1, 1.0)]);
    }

    #[test]
    fn a_label_with_the_value_makes_an_alert_for_each_value() {
        let rule = rule(15, 0, &[("value", "{{ $value }}")]);
        let mut states = AlertStates::default();
        states.add(&rule, &grid(6), &[results(&[], "aabb.a")]).unwrap();
        let begins: Vec<(String, usize, usize)> = states
            .histories(&grid(6))
            .iter()
            .map(|alert| (alert.labels[0].1.clone(), alert.pending.len(), alert.firing.len()))
            .collect();
        assert_eq!(begins, [("97".to_owned(), 2, 1), ("98".to_owned(), 1, 1)]);
    }

    #[test]
    fn results_that_make_the_same_alert_are_refused_and_other_rules_of_the_name_join_in() {
        let two = [results(&[("x", "1")], "a.a"), results(&[("x", "2")], ".aa")];
        let mut states = AlertStates::default();
        let error = states.add(&rule(0, 0, &[("x", "")]), &grid(3), &two).unwrap_err();
        assert!(error.contains("alert A") && error.contains("30s"), "{error}");
        let mut states = AlertStates::default();
        states.add(&rule(0, 0, &[]), &grid(4), &[results(&[], "a...")]).unwrap();
        states.add(&rule(15, 0, &[]), &grid(4), &[results(&[], ".aa.")]).unwrap();
        let history = &states.histories(&grid(4))[0];
        let at = |step: u64| grid(4).from + STEP.times(step);
        let firing = [Firing { begin: at(0), end: at(1) }, Firing { begin: at(2), end: at(3) }];
        assert_eq!(history.firing, firing);
        assert_eq!(history.pending, [Firing { begin: at(1), end: at(2) }]);
    }
}
