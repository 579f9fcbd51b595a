//! The observation of a dashboard: the outcome of the queries of its parts.

use super::judge::Outcome;

/// A panel, an annotation or a variable of a dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DashboardPart {
    /// Its kind.
    pub kind: PartKind,
    /// Its title, or its name.
    pub name: String,
    /// Number of queries that were asked, with variables filled in.
    pub queries: usize,
    /// Number of values of variables that no query was asked with one by one.
    pub values_left_out: usize,
    /// All that is not as it should be.
    pub problems: Vec<PartProblem>,
}

/// The kinds of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A panel.
    Panel,
    /// An annotation.
    Annotation,
    /// A variable.
    Variable,
}

/// A problem of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartProblem {
    /// `Failed` or `Undecided`.
    pub outcome: Outcome,
    /// `true` if it is none of a part that may be empty.
    pub is_of_data: bool,
    /// The problem, in words.
    pub text: String,
    /// The query of PromQL, with variables filled in; empty if there is none.
    pub query: String,
}

impl PartKind {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panel => "panel",
            Self::Annotation => "annotation",
            Self::Variable => "variable",
        }
    }
}
