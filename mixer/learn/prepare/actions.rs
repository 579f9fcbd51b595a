//! The times of actions.

use promemu_wire::recording::Action;

/// The time of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActionTime {
    pub(super) begin_ms: i64,
    /// The millisecond after its last.
    pub(super) end_ms: i64,
    pub(super) name: String,
}

/// Times of actions. One without an end lasts until the next of its name and target, or for ever.
pub(super) fn times(actions: &[Action]) -> Vec<ActionTime> {
    let time = |(place, action): (usize, &Action)| {
        let is_next = |other: &&Action| other.name == action.name && other.target == action.target;
        let next = || actions[place + 1..].iter().find(is_next).map(|other| other.at_ms);
        let end_ms = action.until_ms.or_else(next).unwrap_or(i64::MAX);
        ActionTime { begin_ms: action.at_ms, end_ms, name: action.name.clone() }
    };
    actions.iter().enumerate().map(time).collect()
}

/// The names of actions that are on at some time between two, each once, in alphabetical order, with commas.
pub(super) fn names_on(actions: &[ActionTime], from_ms: i64, to_ms: i64) -> String {
    let on = actions.iter().filter(|action| action.begin_ms < to_ms && from_ms < action.end_ms);
    let mut names: Vec<&str> = on.map(|action| &*action.name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_without_an_end_lasts_until_the_next_of_its_kind() {
        let action = |at_ms, name: &str, until_ms| Action {
            at_ms,
            name: name.to_owned(),
            target: "db".to_owned(),
            value: None,
            until_ms,
        };
        let times =
            times(&[action(10, "scale", None), action(20, "kill", Some(25)), action(30, "scale", None)]);
        let on =
            [(0, 10), (5, 11), (24, 26), (25, 30), (99, 100)].map(|(from, to)| names_on(&times, from, to));
        assert_eq!(on, ["", "scale", "kill,scale", "scale", "scale"]);
    }
}
