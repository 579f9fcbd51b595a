//! The fields of verdicts.

use super::record::{Field, Record, field};

const ALERT: Field = field(&["alert"], "text", "must be given", "the alert's name");
const LABELS: Field = field(
    &["labels"],
    "`{ \"name\": \"value\" }`",
    "any",
    "labels that the alert has, among others; an empty value for one that it has not",
);
const QUERY: Field = field(
    &["query"],
    "PromQL",
    "must be given",
    "the condition; its braces are those of PromQL, and no expressions",
);
const SCOPE: Field = field(
    &["of", "during"],
    "a fault's id, or a phase's name",
    "the whole run",
    "the part of the run that it is about, each time",
);

pub(super) const FIRES: Record = Record {
    name: "fires",
    summary: "a verdict: an alert begins to fire",
    fields: &[
        ALERT,
        LABELS,
        field(&["within"], "duration", "the length of the part", "the longest time after its begin"),
        field(
            &["times"],
            "number",
            "`1`",
            "how often each label set fires at most, until the next such part",
        ),
        SCOPE,
    ],
};

pub(super) const RESOLVES: Record = Record {
    name: "resolves",
    summary: "a verdict: an alert that fired has ended",
    fields: &[
        ALERT,
        LABELS,
        field(&["within"], "duration", "must be given", "the longest time after the end of the part"),
        SCOPE,
    ],
};

pub(super) const NO_OTHER_ALERTS: Record = Record {
    name: "no_other_alerts",
    summary: "a verdict: nothing else fires, and nothing of it without the faults",
    fields: &[field(&["except"], "name or list of names", "none", "alerts that may fire at any time")],
};

pub(super) const HOLDS: Record = Record {
    name: "holds",
    summary: "a verdict: a condition is true at each step, for each series; no data is a failure",
    fields: &[QUERY, SCOPE],
};

pub(super) const FIRST: Record = Record {
    name: "first",
    summary: "a verdict: the first step at which a condition is true",
    fields: &[
        QUERY,
        field(
            &["between"],
            "`(\"50m\", \"1h\")`",
            "told, not judged",
            "the times, since the begin of the part, between which it must come",
        ),
        SCOPE,
    ],
};

pub(super) const SERIES: Record = Record {
    name: "series",
    summary: "a verdict: a budget of series",
    fields: &[
        field(&["total"], "number", "no budget", "the most series of the run, also one after the other"),
        field(&["each"], "number", "no budget", "the most series of one name"),
    ],
};

pub(super) const PANELS: Record = Record {
    name: "panels",
    summary: "a verdict: each query of a Grafana dashboard returns data",
    fields: &[
        field(
            &["dashboard"],
            "file name",
            "must be given",
            "the dashboard's JSON, relative to the config's file",
        ),
        field(
            &["may_be_empty"],
            "title or list of titles",
            "none",
            "panels, by their title, and annotations and variables, by their name, that need no data; each must be there",
        ),
    ],
};

pub(super) const QUERY_TIME: Record = Record {
    name: "query",
    summary: "a verdict: a query is quick enough",
    fields: &[
        field(
            &["query"],
            "PromQL",
            "must be given",
            "the query, asked over the whole run; its braces are those of PromQL, and no expressions",
        ),
        field(&["p95"], "duration", "must be given", "the longest time of 95 % of its runs"),
        field(&["runs"], "number", "`20`", "how often it is asked"),
    ],
};

pub(super) const NOTIFIES: Record = Record {
    name: "notifies",
    summary: "a verdict of a live test: an alert reaches a receiver of an Alertmanager",
    fields: &[
        field(
            &["receiver"],
            "text",
            "must be given",
            "the receiver's name in the Alertmanager's configuration",
        ),
        ALERT,
        LABELS,
        field(&["within"], "duration", "the length of the part", "the longest time after its begin"),
        SCOPE,
    ],
};
