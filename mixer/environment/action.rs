//! The kinds of actions.

use serde::Deserialize;

/// Something that an agent does to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Nothing.
    Noop,
    /// More replicas, or more of a lever.
    ScaleUp,
    /// Fewer replicas, or less of a lever.
    ScaleDown,
    /// Starts the target anew.
    Restart,
    /// Takes work away from the target.
    Drain,
    /// Gives the target more of what it has used up.
    RaiseLimit,
    /// Tells a person that something is wrong with the target.
    Page,
}

impl ActionKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Noop,
        Self::ScaleUp,
        Self::ScaleDown,
        Self::Restart,
        Self::Drain,
        Self::RaiseLimit,
        Self::Page,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::ScaleUp => "scale_up",
            Self::ScaleDown => "scale_down",
            Self::Restart => "restart",
            Self::Drain => "drain",
            Self::RaiseLimit => "raise_limit",
            Self::Page => "page",
        }
    }

    /// The kind of this number.
    #[must_use]
    pub fn of(number: usize) -> Option<Self> {
        Self::ALL.get(number).copied()
    }
}

/// An action: its kind, and its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The number of its kind.
    pub kind: usize,
    /// The number of its target.
    pub target: usize,
}

impl Choice {
    /// Nothing.
    pub const NOOP: Self = Self { kind: 0, target: 0 };
}
