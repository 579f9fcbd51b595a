//! The parameters of commands, as clients give them. Nothing is checked here.

use promemu_core::time::Span;

/// A host to add.
#[derive(Clone, Debug, PartialEq)]
pub struct NewHost {
    /// Its name.
    pub name: String,
    /// The name of the host that it is like.
    pub template: String,
    /// Labels that are added to the template's, or replace them.
    pub labels: Vec<(String, String)>,
    /// Its time to live; the template's if `None`.
    pub ttl: Option<Span>,
    /// The most series that the run may have with it.
    pub series_max: usize,
    /// The most memory that hosts which were added to the run may take with it, in bytes.
    pub memory_max: usize,
}

/// A value for a metric to show. The scenario keeps updating underneath.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Override {
    /// The value.
    pub value: f64,
    /// The emulated time for which it stands; until it is released if `None`.
    pub span: Option<Span>,
    /// `true` if a counter may fall to it.
    pub may_fall: bool,
}

/// A move of a lever. It replaces what the lever would be, faults included.
#[derive(Clone, Debug, PartialEq)]
pub struct LeverMove {
    /// The value.
    pub value: f64,
    /// The emulated time for which it stands; until it is released if `None`.
    pub span: Option<Span>,
    /// A pattern of hosts' names, or `label=value`; all hosts if `None`.
    pub hosts: Option<String>,
}
