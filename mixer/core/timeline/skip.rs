//! Skips to the begin of a phase.

use crate::fault::Course;
use crate::plan::{Action, TimelinePlan};
use crate::time::Time;

/// The action that puts the timeline to the begin of a phase, in the present turn, when it acts at this moment. `None` without
/// such a phase.
#[must_use]
pub fn skip_to(timeline: &TimelinePlan, course: &Course, phase: &str, acts_at: Time) -> Option<Action> {
    let phase = timeline.phases.iter().find(|known| *known.name == *phase)?;
    let since = acts_at.since(course.timeline_origin(acts_at));
    let turn = (since.as_nanos() / timeline.length.as_nanos().max(1)).min(timeline.repeat.saturating_sub(1));
    let in_turn = |turn: u64| timeline.length.times(turn).plus(phase.times.at);
    // Time does not reach back for ever.
    let is_there = |turn: u64| in_turn(turn) <= acts_at.since(Time::from_unix_nanos(0));
    let turn = if is_there(turn) { turn } else { 0 };
    let origin = acts_at.before(in_turn(turn));
    is_there(turn).then(|| Action::SkipTo { phase: phase.name.clone(), origin })
}
