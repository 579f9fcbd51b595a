//! The fields of timelines, of their phases, and of the ground truth.

use super::record::{Record, field};

/// A timeline: phases that follow each other.
pub(super) const TIMELINE: Record = Record {
    name: "Timeline",
    summary: "a timeline: phases that follow each other, and faults in them",
    fields: &[
        field(
            &["phases"],
            "list of `Phase(…)`",
            "must be given, or the three below",
            "the phases, in their order",
        ),
        field(
            &["stabilization", "testing", "recovery"],
            "durations",
            "none",
            "the short form: the lengths of three phases",
        ),
        field(
            &["set"],
            "`{ \"lever\": value }`",
            "",
            "the short form: the levers in `testing`, which `recovery` takes back",
        ),
        field(
            &["faults"],
            "list of [`Fault(…)`](faults-and-incidents.md#levers-and-faults)",
            "none",
            "faults that come in each turn of the timeline",
        ),
        field(&["repeat"], "number or `forever`", "`1`", "number of turns"),
    ],
};

/// A phase of a timeline.
pub(super) const PHASE: Record = Record {
    name: "Phase",
    summary: "a phase of a timeline",
    fields: &[
        field(&["name"], "text", "must be given", "its name, unique in the config"),
        field(&["lasts"], "duration", "must be given", "its length; the last one may be `inf`"),
        field(
            &["set"],
            "`{ \"lever\": value }`",
            "",
            "values or [curves](faults-and-incidents.md#levers-and-faults) of levers, from its begin on",
        ),
        field(
            &["events"],
            "`[(\"2m\", \"event\"), …]`",
            "none",
            "events, with their time since the begin of the phase",
        ),
        field(&["truth"], "`Truth(…)`", "none", "the alerts that should fire in it"),
    ],
};

/// The ground truth of a fault or a phase.
pub(super) const TRUTH: Record = Record {
    name: "Truth",
    summary: "the ground truth of a fault or a phase: what monitoring should see",
    fields: &[
        field(&["root"], "text", "empty", "the root cause: a host, a service or a component"),
        field(&["alerts"], "name or list of names", "none", "the alerts that should fire"),
    ],
};
