//! The levers of a run as one host sees them.
//!
//! A lever at a moment depends on nothing but the emulated time, the faults of the plan and the actions sent so far:
//! asking changes nothing.

use std::sync::Arc;

use indexmap::IndexMap;

use super::sent_action::SentAction;
use crate::fault::Course;
use crate::plan::{Action, ChangeBy, Curve, LeverChange, PhaseChange, PhasePlan, RunFault, RunPart};
use crate::plugin::LeverTimes;
use crate::time::Time;

/// Maximum number of moves that are kept; moves that others have replaced go first.
const MOVES_MAX: usize = 256;

/// Maximum number of pairs of a lever and a fault or phase for which each lever is evaluated alone, without memory.
const ONE_BY_ONE_MAX: usize = 4_096;

/// An action on a lever. It holds until the next one on the same lever.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Move {
    lever: usize,
    from: Time,
    /// The value that replaces the lever's; `None` for a release.
    value: Option<f64>,
    /// The end of the value.
    until: Time,
}

impl Move {
    /// The value of the lever; `None` if it follows the others then.
    fn value_at(&self, time: Time) -> Option<f64> {
        self.value.filter(|_| time < self.until)
    }
}

/// The curve of a phase that a lever follows.
struct PhaseCurve<'a> {
    curve: &'a Curve,
    begin: Time,
    /// It stays as it is from then on.
    until: Time,
    /// The lever's value before it.
    start: f64,
}

impl PhaseCurve<'_> {
    fn at(&self, time: Time) -> f64 {
        self.curve.at(time.min(self.until).since(self.begin), self.start)
    }

    fn moves(&self, now: Time) -> bool {
        now < self.until && self.curve.moves(now.since(self.begin))
    }

    fn next_bend(&self, after: Time) -> Option<Time> {
        let bend = self.begin + self.curve.next_bend(after.since(self.begin))?;
        Some(bend.min(self.until)).filter(|bend| *bend > after)
    }
}

/// The levers of one host.
#[derive(Clone, Debug)]
pub struct HostLevers {
    part: Arc<RunPart>,
    course: Course,
    /// In the order of `from`.
    moves: Vec<Move>,
    /// The values at the time of the last [`Self::advance`].
    values: Box<[f64]>,
    advanced_to: Time,
    /// The values stay the same until then.
    steady_until: Time,
}

impl HostLevers {
    /// The levers of a host in a run of this course.
    #[must_use]
    pub fn new(part: Arc<RunPart>, course: Course) -> Self {
        let values = part.levers.iter().map(|lever| lever.default).collect();
        let epoch = Time::from_unix_nanos(0);
        Self { part, course, moves: Vec::new(), values, advanced_to: epoch, steady_until: epoch }
    }

    /// The part of the run that moves them.
    pub(crate) const fn part(&self) -> &Arc<RunPart> {
        &self.part
    }

    /// The times of the run's phases and faults, as the host knows them.
    pub(crate) const fn course(&self) -> &Course {
        &self.course
    }

    /// Goes on with other levers and faults. A lever of the same name keeps its moves.
    pub(crate) fn replace_part(&mut self, part: Arc<RunPart>) {
        let old = std::mem::replace(&mut self.part, part);
        let mut moves = std::mem::take(&mut self.moves);
        moves.retain_mut(|moved| {
            let index = self.part.index_in(&old, moved.lever);
            moved.lever = index.unwrap_or(moved.lever);
            index.is_some()
        });
        self.moves = moves;
        self.values = self.part.levers.iter().map(|lever| lever.default).collect();
        self.mark_moved();
    }

    /// Nothing is known of the values: the next [`Self::advance`] finds them.
    const fn mark_moved(&mut self) {
        (self.advanced_to, self.steady_until) = (Time::NEVER, Time::from_unix_nanos(0));
    }

    /// Takes over an action if it moves a lever, or changes the times of phases or faults that do.
    pub fn apply(&mut self, sent: &SentAction) {
        let from = sent.acts_at();
        if sent.action.is_of_timeline() {
            if sent.change(&mut self.course) {
                self.course.forget_before(from);
                self.mark_moved();
            }
            return;
        }
        let moved = match sent.action {
            Action::Lever { lever, value, lasts } => {
                Move { lever, from, value: Some(value), until: from + lasts }
            }
            Action::ReleaseLever { lever } => Move { lever, from, value: None, until: from },
            _ => return,
        };
        let place = self.moves.partition_point(|earlier| earlier.from <= from);
        self.moves.insert(place, moved);
        let is_replaced = |(n, old): (usize, &Move)| {
            self.moves[n + 1..].iter().any(|later| later.lever == old.lever && later.from <= from)
        };
        if self.moves.len() > MOVES_MAX
            && let Some(oldest) = self.moves.iter().enumerate().position(is_replaced)
        {
            self.moves.remove(oldest);
        }
        self.mark_moved();
    }

    /// The value of a lever at a moment; NaN for a lever that the run does not have.
    #[must_use]
    pub fn at(&self, lever: usize, time: Time) -> f64 {
        let Some(plan) = self.part.levers.get(lever) else { return f64::NAN };
        let mut earlier = self.moves.iter().rev().filter(|moved| moved.lever == lever && moved.from <= time);
        if let Some(value) = earlier.next().and_then(|moved| moved.value_at(time)) {
            return value;
        }
        let without = match self.phase_curve(lever, time) {
            Some(curve) => curve.at(time),
            None => plan.default,
        };
        let mut value = without;
        for by in [ChangeBy::Set, ChangeBy::Times, ChangeBy::Plus] {
            for (fault, change) in self.changes_of(lever).filter(|(_, change)| change.by == by) {
                let Some((begin, _)) = self.course.window(fault.timed(), time) else { continue };
                value = change.applied_to(value, without, time.since(begin));
            }
        }
        value
    }

    /// `true` if a pass through all faults for each lever costs more than the memory of [`Self::all_at`].
    fn are_many(&self) -> bool {
        self.values.len() * (self.part.faults.len() + self.part.timeline.phases.len()) > ONE_BY_ONE_MAX
    }

    /// The values of all levers at a moment, as [`Self::at`] gives them one by one, in one pass through the faults.
    fn all_at(&self, time: Time) -> Box<[f64]> {
        let defaults = self.part.levers.iter().map(|lever| lever.default);
        let mut without: Box<[f64]> = defaults.collect();
        for (lever, curve) in self.phase_curves(time) {
            without[lever] = curve.at(time);
        }
        let mut values = without.clone();
        for by in [ChangeBy::Set, ChangeBy::Times, ChangeBy::Plus] {
            for fault in &self.part.faults {
                let mut changes = fault.changes.iter().filter(|change| change.by == by).peekable();
                if changes.peek().is_none() {
                    continue;
                }
                let Some((begin, _)) = self.course.window(fault.timed(), time) else { continue };
                for change in changes {
                    let lever = change.lever;
                    values[lever] = change.applied_to(values[lever], without[lever], time.since(begin));
                }
            }
        }
        // The last move of a lever counts, and a release lets it follow the others again.
        let mut moved: IndexMap<usize, Option<f64>> = IndexMap::new();
        for earlier in self.moves.iter().filter(|moved| moved.from <= time) {
            moved.insert(earlier.lever, earlier.value_at(time));
        }
        for (lever, value) in moved {
            values[lever] = value.unwrap_or(values[lever]);
        }
        values
    }

    /// Brings [`Self::values`] to this moment.
    pub fn advance(&mut self, now: Time) {
        if now == self.advanced_to || (now > self.advanced_to && now < self.steady_until) {
            return;
        }
        if self.are_many() {
            self.values = self.all_at(now);
        } else {
            for lever in 0..self.values.len() {
                self.values[lever] = self.at(lever, now);
            }
        }
        self.advanced_to = now;
        self.steady_until = if self.is_moving(now) { now } else { self.next_edge(None, now) };
    }

    /// The value of each lever.
    #[must_use]
    pub const fn values(&self) -> &[f64] {
        &self.values
    }

    /// The first moment after this one at which the lever, or any, jumps or bends; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_edge(&self, lever: Option<usize>, after: Time) -> Time {
        let is_meant = |of: usize| lever.is_none_or(|lever| lever == of);
        let moves = self.moves.iter().filter(|moved| is_meant(moved.lever));
        let moves = moves.flat_map(|moved| [moved.from, moved.until]).filter(|edge| *edge > after);
        let changes = self.part.faults.iter().flat_map(|fault| {
            let changes = fault.changes.iter().filter(|change| is_meant(change.lever));
            changes.map(move |change| {
                let bend = self.course.window(fault.timed(), after).and_then(|(begin, _)| {
                    change.curve.next_bend(after.since(begin)).map(|since| begin + since)
                });
                self.course.next_edge(fault.timed(), after).min(bend.unwrap_or(Time::NEVER))
            })
        });
        moves.chain(changes).min().unwrap_or(Time::NEVER).min(self.next_phase_edge(lever, after))
    }

    /// As [`Self::next_edge`], of the curves of phases alone.
    fn next_phase_edge(&self, lever: Option<usize>, after: Time) -> Time {
        let phases = &self.part.timeline.phases;
        let is_meant = |phase: &PhasePlan| match lever {
            Some(lever) => phase.change(lever).is_some(),
            None => !phase.changes.is_empty(),
        };
        if !phases.iter().any(is_meant) {
            return Time::NEVER;
        }
        let edges = phases.iter().map(|phase| self.course.next_edge(phase.timed(), after));
        let mut next = edges.min().unwrap_or(Time::NEVER).min(self.course.next_skip(after));
        let mut bend = |curve: PhaseCurve<'_>| {
            next = next.min(curve.next_bend(after).unwrap_or(Time::NEVER));
        };
        match lever {
            Some(lever) => self.phase_curve(lever, after).into_iter().for_each(bend),
            None => self.each_phase_curve(after, &mut bend),
        }
        next
    }

    /// The curve that a lever follows now: the last one of the phases so far in this turn of the timeline.
    fn phase_curve(&self, lever: usize, now: Time) -> Option<PhaseCurve<'_>> {
        let (phases, turn) = self.phases_so_far(now)?;
        let default = self.part.levers[lever].default;
        let changes = phases.iter().filter_map(|phase| Some((phase, phase.change(lever)?)));
        changes.fold(None, |last, (phase, change)| {
            let before = |time| last.as_ref().map_or(default, |last: &PhaseCurve<'_>| last.at(time));
            self.curve_of((phase, change), (turn, now), before).or(last)
        })
    }

    /// As [`Self::phase_curve`], of all levers that follow one.
    fn phase_curves(&self, now: Time) -> IndexMap<usize, PhaseCurve<'_>> {
        let mut curves: IndexMap<usize, PhaseCurve<'_>> = IndexMap::new();
        let Some((phases, turn)) = self.phases_so_far(now) else { return curves };
        for (phase, change) in
            phases.iter().flat_map(|phase| phase.changes.iter().map(move |change| (phase, change)))
        {
            let default = self.part.levers[change.lever].default;
            let before = |time| curves.get(&change.lever).map_or(default, |last| last.at(time));
            if let Some(curve) = self.curve_of((phase, change), (turn, now), before) {
                curves.insert(change.lever, curve);
            }
        }
        curves
    }

    /// The curve of a phase's change in a turn of the timeline, with the lever's value `before` it; `None` if it has not begun.
    fn curve_of<'a>(
        &self,
        (phase, change): (&'a PhasePlan, &'a PhaseChange),
        (turn, now): (Time, Time),
        before: impl FnOnce(Time) -> f64,
    ) -> Option<PhaseCurve<'a>> {
        let (begin, until) = if change.ends_with_phase {
            self.course.last_window(phase.timed(), now).filter(|(begin, _)| *begin >= turn)?
        } else {
            (turn + phase.times.at, Time::NEVER)
        };
        Some(PhaseCurve { curve: &change.curve, begin, until, start: before(begin) })
    }

    /// Visits the curves of phases that levers follow now.
    fn each_phase_curve<'a>(&'a self, now: Time, visit: &mut dyn FnMut(PhaseCurve<'a>)) {
        if self.are_many() {
            self.phase_curves(now).into_values().for_each(visit);
        } else {
            (0..self.values.len()).filter_map(|lever| self.phase_curve(lever, now)).for_each(visit);
        }
    }

    /// The phases of this turn of the timeline up to the present one, and the begin of the turn.
    fn phases_so_far(&self, now: Time) -> Option<(&[PhasePlan], Time)> {
        let phases = &self.part.timeline.phases;
        // Phases before the one that a skip has gone to count as passed.
        let origin = self.course.timeline_origin(now);
        let mut planned = self.course.as_planned();
        planned.count_from(origin);
        let mut numbered = phases.iter().enumerate();
        let (current, (begin, _)) =
            numbered.find_map(|(n, phase)| Some((n, planned.window(phase.timed(), now)?)))?;
        Some((&phases[..=current], begin.before(phases[current].times.at)))
    }

    fn changes_of(&self, lever: usize) -> impl Iterator<Item = (&RunFault, &LeverChange)> {
        let faults = self.part.faults.iter();
        let changes = faults.flat_map(|fault| fault.changes.iter().map(move |change| (&**fault, change)));
        changes.filter(move |(_, change)| change.lever == lever)
    }

    /// `true` if a lever has another value right after now.
    fn is_moving(&self, now: Time) -> bool {
        self.part.faults.iter().any(|fault| {
            let window = self.course.window(fault.timed(), now);
            let moves = |begin| fault.changes.iter().any(|change| change.curve.moves(now.since(begin)));
            window.is_some_and(|(begin, _)| moves(begin))
        }) || self.is_moved_by_phase(now)
    }

    fn is_moved_by_phase(&self, now: Time) -> bool {
        let mut is_moved = false;
        if !self.part.timeline.phases.is_empty() {
            self.each_phase_curve(now, &mut |last| is_moved |= last.moves(now));
        }
        is_moved
    }
}

impl LeverTimes for HostLevers {
    fn lever_at(&self, lever: &str, at: Time) -> Option<f64> {
        self.part.index_of(lever).map(|lever| self.at(lever, at))
    }

    fn lever_edge(&self, lever: &str, after: Time) -> Option<Time> {
        let edge = self.next_edge(Some(self.part.index_of(lever)?), after);
        (edge != Time::NEVER).then_some(edge)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::rng::Seed;
    use crate::time::Span;

    #[test]
    fn thousands_of_levers_and_faults_take_no_step_for_each_pair_of_them() {
        let levers: String = (0..5_000).map(|i| format!("\"l{i}\": 1, ")).collect::<Vec<_>>().concat();
        let curves: String =
            (0..5_000).map(|i| format!("\"l{i}\": ramp(to: 2, over: \"1h\"), ")).collect::<Vec<_>>().concat();
        let fault = |i| format!("Fault(id: \"f{i}\", at: {i}, lasts: 1, set: {{ \"l{i}\": 3 }}), ");
        let faults = (0..5_000).map(fault).collect::<Vec<_>>().concat();
        let text = format!(
            "Config(levers: {{ {levers} }}, timeline: Timeline(phases: [Phase(name: \"p\", lasts: \"1h\", set: {{ {curves} }})]), faults: [{faults}],
                hosts: [Host(name: \"x\", metrics: [Metric(name: \"m\", scenario: script(source: \"run.l7\"))])])"
        );
        let loaded = ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap();
        let mut levers =
            HostLevers::new(loaded.plan.hosts[0].run.clone().unwrap(), Course::new(START, Seed::new(1)));
        // Pair by pair these would be 40 000 000 000 evaluations of windows.
        for secs in 0..200 {
            levers.advance(START + Span::from_secs(secs));
            let secs = usize::try_from(secs).unwrap();
            assert_eq!((levers.values()[secs], levers.values()[4_000] < 2.0), (3.0, true));
        }
    }

    const START: Time = Time::from_unix_secs(1_767_600_000);

    const CONFIG: &str = r#"Config(levers: { "a": 1, "b": 2, "c": 3 },
        timeline: Timeline(repeat: forever, phases: [
            Phase(name: "p", lasts: 7, set: { "a": ramp(to: 9, over: 5), "b": 5 }), Phase(name: "q", lasts: 6, set: { "a": 4 }), Phase(name: "r", lasts: 3)]),
        faults: [
            Fault(id: "f", at: 3, lasts: 5, every: 8, set: { "a": 7, "c": sine(period: 4, amplitude: 2) }),
            Fault(id: "g", at: 5, lasts: 9, times: { "a": 2, "b": ramp(to: 3, over: 4) }, plus: { "c": 10 }),
            Fault(id: "h", at: 1, lasts: 20, plus: { "a": curve([(0, 1), (6, 2)]) }, set: { "b": 8 })],
        hosts: [Host(name: "x", metrics: [Metric(name: "m", scenario: script(source: "run.a + run.b + run.c"))])])"#;

    fn host() -> HostLevers {
        let loaded = ConfigFile::from_text("test", CONFIG).plan(&LoadOptions::starting_at(START)).unwrap();
        HostLevers::new(loaded.plan.hosts[0].run.clone().unwrap(), Course::new(START, Seed::new(1)))
    }

    proptest! {
        #[test]
        fn all_levers_at_once_have_the_values_of_each_alone(
            moves in proptest::collection::vec((0..3usize, 0..40u64, 0..10u64, any::<bool>()), 0..6), times in proptest::collection::vec(0..400u64, 1..20),
        ) {
            let mut levers = host();
            for (lever, from, lasts, is_release) in moves {
                let lasts = Span::from_secs(lasts);
                let action = if is_release { Action::ReleaseLever { lever } } else { Action::Lever { lever, value: 77.0, lasts } };
                levers.apply(&SentAction { time: START + Span::from_secs(from), action, source: "s".into(), sequence: 0 });
            }
            for tenths in times {
                let time = START + Span::from_nanos(100_000_000 * tenths);
                levers.advance(time);
                let at_once = levers.all_at(time);
                let alone: Vec<f64> = (0..3).map(|lever| levers.at(lever, time)).collect();
                prop_assert_eq!(levers.values(), &*alone);
                prop_assert_eq!(&*at_once, &*alone);
            }
        }
    }
}
