//! The course of a run: the times at which its phases and faults are on, as planned and as changed from outside.
//!
//! It is a pure function of the run's start and seed, and of the changes so far. Asking changes nothing, and the order in which
//! changes came makes no difference.

use std::sync::Arc;

use super::times::Windows;
use crate::rng::Seed;
use crate::time::{Span, Time};

/// The shortest time.
const INSTANT: Span = Span::from_nanos(1);
/// Changes that others have replaced are forgotten when there are more.
const CHANGES_MAX: usize = 256;

/// A phase, a fault or an event whose times are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Timed<'a> {
    /// Its planned times.
    pub times: &'a Windows,
    /// The id, for a fault: that may begin and end by hand or on an event.
    pub fault: Option<&'a str>,
}

/// The course of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    run_start: Time,
    /// The seed of the run, from which the delays of faults are drawn.
    seed: Seed,
    /// `None` for a run to which nothing has come.
    changes: Option<Box<Changes>>,
}

/// All that came from outside.
#[derive(Clone, Debug, Default, PartialEq)]
struct Changes {
    /// In order of time.
    skips: Vec<Skip>,
    /// In order of time.
    switches: Vec<Switch>,
    /// The same with begins joined that come while their fault is on by an earlier one: they make it longer.
    joined: Vec<Switch>,
}

/// From this moment on the timeline counts from another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Skip {
    from: Time,
    origin: Time,
}

/// A fault begins, or ends, at this moment, whatever the plan says. The next planned begin counts again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Switch {
    from: Time,
    fault: Arc<str>,
    begins: bool,
    /// The end of a fault that begins. No planned window that begins before then counts.
    until: Time,
}

/// A stretch of the run in which the timeline has one origin: `[from, to)`.
struct Stretch {
    from: Time,
    to: Time,
    origin: Time,
}

impl Course {
    /// The planned course of a run of this seed that starts then.
    #[must_use]
    pub const fn new(run_start: Time, seed: Seed) -> Self {
        Self { run_start, seed, changes: None }
    }

    /// The same run as planned, without what has come from outside.
    #[must_use]
    pub const fn as_planned(&self) -> Self {
        Self::new(self.run_start, self.seed)
    }

    /// Start of the run.
    #[must_use]
    pub const fn run_start(&self) -> Time {
        self.run_start
    }

    /// `true` if something has come from outside.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.changes.is_some()
    }

    /// Counts the run from another start.
    pub const fn count_from(&mut self, run_start: Time) {
        self.run_start = run_start;
    }

    /// Counts the run from the start of another course, and draws delays of faults from its seed.
    pub const fn count_as(&mut self, other: &Self) {
        (self.run_start, self.seed) = (other.run_start, other.seed);
    }

    /// From `from` on the timeline counts from `origin`. Returns `false` if that is known.
    pub fn skip(&mut self, from: Time, origin: Time) -> bool {
        let skips = &mut self.changes.get_or_insert_default().skips;
        insert(skips, Skip { from, origin })
    }

    /// A fault is on from `from` to `until`. Returns `false` if that is known.
    pub fn begin(&mut self, fault: &Arc<str>, from: Time, until: Time) -> bool {
        self.switch(Switch { from, fault: Arc::clone(fault), begins: true, until })
    }

    /// A fault is off from `from` on, until the plan or another change begins it. Returns `false` if that is known.
    pub fn end(&mut self, fault: &Arc<str>, from: Time) -> bool {
        self.switch(Switch { from, fault: Arc::clone(fault), begins: false, until: from })
    }

    /// `true` if this begin of a fault makes no difference, as it is known.
    #[must_use]
    pub fn knows_begin(&self, fault: &Arc<str>, from: Time, until: Time) -> bool {
        let switch = Switch { from, fault: Arc::clone(fault), begins: true, until };
        self.changes.as_ref().is_some_and(|changes| changes.switches.binary_search(&switch).is_ok())
    }

    fn switch(&mut self, switch: Switch) -> bool {
        let changes = self.changes.get_or_insert_default();
        // Those that come in order of time, which may be many, join one by one.
        if changes.switches.last().is_none_or(|last| *last < switch) {
            changes.join_next(&switch);
            changes.switches.push(switch);
            return true;
        }
        let is_new = insert(&mut changes.switches, switch);
        if is_new {
            changes.join();
        }
        is_new
    }

    /// Forgets what makes no difference after this moment, if there is much.
    pub fn forget_before(&mut self, now: Time) {
        let Some(changes) = &mut self.changes else { return };
        if changes.skips.len() + changes.switches.len() > CHANGES_MAX {
            changes.forget_before(now);
        }
    }

    /// The origin from which the timeline counts at a moment: the start of the run, or where the last skip has put it.
    #[must_use]
    pub fn timeline_origin(&self, now: Time) -> Time {
        let skips = self.changes.iter().flat_map(|changes| &changes.skips);
        skips.take_while(|skip| skip.from <= now).last().map_or(self.run_start, |skip| skip.origin)
    }

    /// The first skip after this moment; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_skip(&self, after: Time) -> Time {
        let skips = self.changes.iter().flat_map(|changes| &changes.skips);
        skips.map(|skip| skip.from).find(|from| *from > after).unwrap_or(Time::NEVER)
    }

    /// `true` if the timeline leaves for another place at this moment.
    #[must_use]
    pub fn skips_at(&self, at: Time) -> bool {
        let mut skips = self.changes.iter().flat_map(|changes| &changes.skips);
        skips.any(|skip| skip.from == at)
    }

    /// The window that is open now.
    #[must_use]
    pub fn window(&self, of: Timed<'_>, now: Time) -> Option<(Time, Time)> {
        self.last_window(of, now).filter(|(_, end)| now < *end)
    }

    /// The last window that has begun by now.
    #[must_use]
    pub fn last_window(&self, of: Timed<'_>, now: Time) -> Option<(Time, Time)> {
        let Some(changes) = &self.changes else { return of.times.last_window(self.run_of(of), now) };
        let (mut at, mut ends_by) = (now, Time::NEVER);
        for switch in changes.of(of.fault).rev() {
            if switch.from > at {
                ends_by = switch.from;
                continue;
            }
            let planned = self.last_planned(of, at).filter(|(begin, _)| *begin >= switch.until);
            let begun = planned.or_else(|| switch.begins.then_some((switch.from, switch.until)));
            if let Some((begin, end)) = begun {
                return Some((begin, end.min(ends_by)));
            }
            (at, ends_by) = (switch.from.before(INSTANT), switch.from);
        }
        let (begin, end) = self.last_planned(of, at)?;
        Some((begin, end.min(ends_by)))
    }

    /// The first begin after this time; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_begin(&self, of: Timed<'_>, after: Time) -> Time {
        let Some(changes) = &self.changes else { return of.times.next_begin(self.run_of(of), after) };
        // A planned window that begins as the fault ends by hand counts.
        let mut counts_from = after;
        for switch in changes.of(of.fault) {
            if switch.from > after {
                let planned = self.next_planned(of, counts_from);
                if planned < switch.from {
                    return planned;
                }
                if switch.begins {
                    return switch.from;
                }
            }
            counts_from = after.max(switch.until.before(INSTANT));
        }
        self.next_planned(of, counts_from)
    }

    /// The first begin or end after this time; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_edge(&self, of: Timed<'_>, after: Time) -> Time {
        match self.window(of, after) {
            Some((_, end)) => end,
            None => self.next_begin(of, after),
        }
    }

    /// The start of the run, and the seed of the delays of a fault. Most faults have none.
    fn run_of(&self, of: Timed<'_>) -> (Time, Seed) {
        let id = of.fault.filter(|_| of.times.jitter > Span::ZERO);
        (self.run_start, id.map_or(self.seed, |id| self.seed.child("fault jitter").child(id)))
    }

    /// The last window of the plan that has begun by now, where the timeline is.
    fn last_planned(&self, of: Timed<'_>, now: Time) -> Option<(Time, Time)> {
        let (run_start, seed) = self.run_of(of);
        if !of.times.follows_timeline {
            return of.times.last_window((run_start, seed), now);
        }
        let stretches = self.stretches().rev().skip_while(|stretch| stretch.from > now);
        stretches.map(|stretch| stretch.last_window((of.times, seed), now)).find(Option::is_some).flatten()
    }

    /// The first begin of the plan after this time.
    fn next_planned(&self, of: Timed<'_>, after: Time) -> Time {
        let (run_start, seed) = self.run_of(of);
        if !of.times.follows_timeline {
            return of.times.next_begin((run_start, seed), after);
        }
        let stretches = self.stretches().skip_while(|stretch| stretch.to <= after);
        stretches.map(|stretch| stretch.next_begin((of.times, seed), after)).min().unwrap_or(Time::NEVER)
    }

    /// The stretches between skips, in order of time.
    fn stretches(&self) -> impl DoubleEndedIterator<Item = Stretch> {
        let skips = self.changes.as_ref().map_or(&[][..], |changes| &changes.skips);
        let first = Skip { from: Time::from_unix_nanos(0), origin: self.run_start };
        (0..=skips.len()).map(move |n| {
            let Skip { from, origin } = if n == 0 { first } else { skips[n - 1] };
            let to = skips.get(n).map_or(Time::NEVER, |skip| skip.from);
            Stretch { from, to, origin }
        })
    }
}

impl Changes {
    /// The joined switches of a fault, in order of time.
    fn of(&self, fault: Option<&str>) -> impl DoubleEndedIterator<Item = &Switch> {
        self.joined.iter().filter(move |switch| Some(&*switch.fault) == fault)
    }

    fn join(&mut self) {
        self.joined.clear();
        for switch in std::mem::take(&mut self.switches) {
            self.join_next(&switch);
            self.switches.push(switch);
        }
    }

    /// Joins a switch that comes after all that are joined.
    fn join_next(&mut self, switch: &Switch) {
        let before = self.joined.iter_mut().rfind(|before| before.fault == switch.fault);
        match before.filter(|before| switch.begins && before.begins && before.until >= switch.from) {
            Some(before) => before.until = before.until.max(switch.until),
            None => self.joined.push(switch.clone()),
        }
    }

    fn forget_before(&mut self, now: Time) {
        let replaced = self.skips.partition_point(|skip| skip.from <= now).saturating_sub(1);
        self.skips.drain(..replaced);
        let joined = std::mem::take(&mut self.joined);
        let is_last = |n: usize, switch: &Switch| {
            let mut later = joined[n + 1..].iter().take_while(|later| later.from <= now);
            switch.from > now || !later.any(|later| later.fault == switch.fault)
        };
        let kept = joined.iter().enumerate().filter(|(n, switch)| is_last(*n, switch));
        self.switches = kept.map(|(_, switch)| switch.clone()).collect();
        self.join();
    }
}

impl Stretch {
    /// The last window that has begun in it by now. One that would be open at its begin begins then.
    fn last_window(&self, (times, seed): (&Windows, Seed), now: Time) -> Option<(Time, Time)> {
        let (begin, end) = times.last_window((self.origin, seed), now.min(self.to.before(INSTANT)))?;
        (begin >= self.from || end > self.from).then(|| (begin.max(self.from), end.min(self.to)))
    }

    fn next_begin(&self, (times, seed): (&Windows, Seed), after: Time) -> Time {
        if after < self.from && self.last_window((times, seed), self.from).is_some() {
            return self.from;
        }
        let begin = times.next_begin((self.origin, seed), after.max(self.from));
        if begin < self.to { begin } else { Time::NEVER }
    }
}

/// Inserts a change in its place. Returns `false` if it is there already.
fn insert<T: Ord>(changes: &mut Vec<T>, change: T) -> bool {
    let place = changes.binary_search(&change);
    let is_new = place.is_err();
    if let Err(place) = place {
        changes.insert(place, change);
    }
    is_new
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fault::Turns;

    const START: Time = Time::from_unix_secs(1_000_000);

    fn at(secs: u64) -> Time {
        START + Span::from_secs(secs)
    }

    /// The windows in the first 200 seconds, in seconds.
    fn windows(course: &Course, times: &Windows) -> Vec<(u64, u64)> {
        let of = Timed { times, fault: Some("f") };
        let (mut found, mut now) = (Vec::new(), START.before(INSTANT));
        loop {
            now = course.next_begin(of, now);
            if now > at(200) {
                return found;
            }
            let secs = |time: Time| time.since(START).as_nanos() / 1_000_000_000;
            let (begin, end) = course.last_window(of, now).unwrap();
            assert_eq!(begin, now, "it begins when it says");
            found.push((secs(begin), secs(end)));
        }
    }

    fn every_20(follows_timeline: bool) -> Windows {
        let secs = Span::from_secs;
        Windows {
            at: secs(10),
            lasts: secs(5),
            every: Some(secs(20)),
            jitter: Span::ZERO,
            until: secs(70),
            turns: None,
            follows_timeline,
        }
    }

    #[test]
    fn a_fault_that_is_begun_by_hand_replaces_the_plan_while_it_is_on() {
        let (id, mut course) = ("f".into(), Course::new(START, Seed::new(1)));
        let times = every_20(false);
        assert_eq!(windows(&course, &times), [(10, 15), (30, 35), (50, 55)]);
        assert!(course.begin(&id, at(12), at(32)) && !course.begin(&id, at(12), at(32)));
        assert_eq!(windows(&course, &times), [(10, 12), (12, 32), (50, 55)]);
        assert!(course.begin(&id, at(20), at(60)), "it is on for longer");
        assert_eq!(windows(&course, &times), [(10, 12), (12, 60)]);
        assert!(course.end(&id, at(45)));
        assert_eq!(windows(&course, &times), [(10, 12), (12, 45), (50, 55)]);
        assert!(course.end(&id, at(52)) && course.end(&id, at(58)), "also one that is off");
        assert_eq!(windows(&course, &times), [(10, 12), (12, 45), (50, 52)]);
    }

    #[test]
    fn a_skip_moves_the_timeline_alone() {
        let mut course = Course::new(START, Seed::new(1));
        // At 12 s the timeline is 28 s old, at 40 s it is 50 s old, and at 60 s it begins anew.
        for (from, age) in [(12, 28), (40, 50), (60, 0)] {
            assert!(course.skip(at(from), at(from).before(Span::from_secs(age))));
        }
        assert_eq!(windows(&course, &every_20(false)), [(10, 15), (30, 35), (50, 55)]);
        let moved = [(10, 12), (14, 19), (34, 39), (40, 45), (70, 75), (90, 95), (110, 115)];
        assert_eq!(windows(&course, &every_20(true)), moved);
        assert_eq!((course.next_skip(at(12)), course.timeline_origin(at(60))), (at(40), at(60)));
    }

    #[derive(Clone, Debug)]
    enum Change {
        Skip(u64),
        Begin(u64),
        End,
    }

    fn changes() -> impl Strategy<Value = Vec<(u64, Change)>> {
        let change = prop_oneof![
            (0..100u64).prop_map(Change::Skip),
            (0..60u64).prop_map(Change::Begin),
            Just(Change::End),
        ];
        proptest::collection::vec((0..150u64, change), 0..9)
    }

    fn apply(course: &mut Course, (from, change): &(u64, Change)) {
        let from = at(*from);
        let _is_new = match change {
            Change::Skip(age) => course.skip(from, from.before(Span::from_secs(*age))),
            Change::Begin(lasts) => course.begin(&"f".into(), from, from + Span::from_secs(*lasts)),
            Change::End => course.end(&"f".into(), from),
        };
    }

    proptest! {
        #[test]
        fn any_changes_leave_windows_that_do_not_overlap_and_edges_at_their_ends(
            changes in changes(), follows_timeline: bool, repeats: bool,
        ) {
            let turns = repeats.then_some(Turns { length: Span::from_secs(75), count: 2 });
            let times = Windows { turns, ..every_20(follows_timeline) };
            let of = Timed { times: &times, fault: Some("f") };
            let mut course = Course::new(START, Seed::new(1));
            for change in &changes {
                apply(&mut course, change);
            }
            let found = windows(&course, &times);
            prop_assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].0 && pair[0].0 < pair[1].0), "{found:?}");
            let mut edges: Vec<u64> = found.iter().flat_map(|(begin, end)| [*begin, *end]).collect();
            edges.dedup();
            for now in 0..=200 {
                let is_on = found.iter().find(|(begin, end)| (*begin..*end).contains(&now));
                let window = course.window(of, at(now));
                prop_assert_eq!(window, is_on.map(|(begin, end)| (at(*begin), at(*end))), "{} of {:?}", now, &found);
                if let Some(edge) = edges.iter().find(|edge| **edge > now) {
                    prop_assert_eq!(course.next_edge(of, at(now)), at(*edge), "after {} of {:?}", now, &found);
                }
            }
            let mut backwards = Course::new(START, Seed::new(1));
            for change in changes.iter().rev() {
                apply(&mut backwards, change);
            }
            prop_assert_eq!(&course, &backwards);
            course.changes.iter_mut().for_each(|changes| changes.forget_before(at(80)));
            for now in 80..=200 {
                prop_assert_eq!(course.window(of, at(now)), backwards.window(of, at(now)), "at {}", now);
            }
        }
    }
}
