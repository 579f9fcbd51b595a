//! The levers of a run as one host sees them.
//!
//! A lever at a moment depends on nothing but the emulated time, the faults of the plan and the actions sent so far:
//! asking changes nothing.

use std::sync::Arc;

use super::sent_action::SentAction;
use crate::fault::Course;
use crate::plan::{Action, ChangeBy, Curve, LeverChange, PhaseChange, PhasePlan, RunFault, RunPart};
use crate::plugin::LeverTimes;
use crate::time::Time;

/// Maximum number of moves that are kept; moves that others have replaced go first.
const MOVES_MAX: usize = 256;

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
    /// The levers of a host in a run that started then.
    #[must_use]
    pub fn new(part: Arc<RunPart>, run_start: Time) -> Self {
        let values = part.levers.iter().map(|lever| lever.default).collect();
        let epoch = Time::from_unix_nanos(0);
        let course = Course::new(run_start);
        Self { part, course, moves: Vec::new(), values, advanced_to: epoch, steady_until: epoch }
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
        if let Some(Move { value: Some(value), until, .. }) = earlier.next()
            && time < *until
        {
            return *value;
        }
        let without = match self.phase_curve(lever, time) {
            Some(curve) => curve.at(time),
            None => plan.default,
        };
        let mut value = without;
        for by in [ChangeBy::Set, ChangeBy::Times, ChangeBy::Plus] {
            for (fault, change) in self.changes_of(lever).filter(|(_, change)| change.by == by) {
                let Some((begin, _)) = self.course.window(fault.timed(), time) else { continue };
                let by_curve = change.curve.at(time.since(begin), by.neutral(without));
                value = match by {
                    ChangeBy::Set => by_curve,
                    ChangeBy::Times => value * by_curve,
                    ChangeBy::Plus => value + by_curve,
                };
            }
        }
        value
    }

    /// Brings [`Self::values`] to this moment.
    pub fn advance(&mut self, now: Time) {
        if now == self.advanced_to || (now > self.advanced_to && now < self.steady_until) {
            return;
        }
        for lever in 0..self.values.len() {
            self.values[lever] = self.at(lever, now);
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
        let levers = lever.map_or(0..self.values.len(), |lever| lever..lever + 1);
        let curves = levers.filter_map(|lever| self.phase_curve(lever, after));
        let bends = curves.filter_map(|curve| curve.next_bend(after));
        edges.chain(bends).min().unwrap_or(Time::NEVER).min(self.course.next_skip(after))
    }

    /// The curve that a lever follows now: the last one of the phases so far in this turn of the timeline.
    fn phase_curve(&self, lever: usize, now: Time) -> Option<PhaseCurve<'_>> {
        let phases = &self.part.timeline.phases;
        // Phases before the one that a skip has gone to count as passed.
        let origin = self.course.timeline_origin(now);
        let (current, (begin, _)) =
            phases.iter().enumerate().find_map(|(n, phase)| Some((n, phase.times.window(origin, now)?)))?;
        let turn = begin.before(phases[current].times.at);
        let mut last: Option<PhaseCurve<'_>> = None;
        for phase in &phases[..=current] {
            let Some(PhaseChange { curve, ends_with_phase, .. }) = phase.change(lever) else { continue };
            let (begin, until) = if *ends_with_phase {
                let taken = self.course.last_window(phase.timed(), now);
                let Some(taken) = taken.filter(|(begin, _)| *begin >= turn) else { continue };
                taken
            } else {
                (turn + phase.times.at, Time::NEVER)
            };
            let start = last.map_or(self.part.levers[lever].default, |last| last.at(begin));
            last = Some(PhaseCurve { curve, begin, until, start });
        }
        last
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
        let curves = (0..self.values.len()).filter_map(|lever| self.phase_curve(lever, now));
        let mut moving = curves.filter(|last| last.moves(now));
        !self.part.timeline.phases.is_empty() && moving.next().is_some()
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
