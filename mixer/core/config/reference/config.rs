//! The fields of a config, its arguments and its repetitions.

use super::record::{Record, field};

/// A config: hosts, what they share, and what happens to them.
pub(super) const CONFIG: Record = Record {
    name: "Config",
    summary: "a config: hosts, what they share, and what happens to them",
    fields: &[
        field(&["description"], "text without expressions", "empty", "a description, for `--list-configs`"),
        field(&["args"], "`{ \"name\": Arg(…) }`", "none", "the config's arguments"),
        field(
            &["hosts"],
            "list of `Host(…)`",
            "at least one, unless there is `replay`, or faults are [done for real](effects.md)",
            "the hosts; together at most 5 000 000 series (`--max-series`)",
        ),
        field(
            &["replay"],
            "`Replay(…)`",
            "none",
            "a recording that is played beside the hosts; see [Recordings](recording.md#play-a-recording)",
        ),
        field(&["include"], "list of names of files", "none", "see [Include](#include)"),
        field(&["extends"], "name of a config", "none", "see [Extend](#extend)"),
        field(&["metric_sets"], "`{ \"name\": [Metric(…), …] }`", "none", "metrics that several hosts share"),
        field(
            &["levers"],
            "`{ \"name\": number }`",
            "none",
            "numbers that faults and people move; see [Levers and faults](faults-and-incidents.md#levers-and-faults)",
        ),
        field(
            &["faults"],
            "list of `Fault(…)`",
            "none",
            "disturbances for a while, which move levers or show as faults of hosts; see [there](faults-and-incidents.md#levers-and-faults), too",
        ),
        field(
            &["timeline"],
            "`Timeline(…)`",
            "none",
            "phases that the run passes through; see [Timelines](timelines.md)",
        ),
        field(
            &["timeline_from"],
            "`live` or `history`",
            "`live`",
            "the part of a run with a history from whose begin phases and `faults` count; see [history](history.md#begin-a-live-run-with-a-past)",
        ),
        field(
            &["toxiproxy"],
            "`Toxiproxy(…)`",
            "none",
            "the proxies of real servers, for faults that are done for real; see [Effects](effects.md)",
        ),
        field(
            &["verdicts"],
            "list of verdicts, and names of `verdict_sets`",
            "by its ground truth",
            "what `promemu test` judges; see [Verdicts](verdicts.md)",
        ),
        field(
            &["verdict_sets"],
            "`{ \"name\": [verdicts] }`",
            "none",
            "verdicts that several configs share; see [Verdict sets](#verdict-sets)",
        ),
        field(
            &["measures"],
            "`{ \"name\": \"query\" }`",
            "none",
            "queries in PromQL whose values `promemu test --sweep` compares; see [Planning](planning.md)",
        ),
        field(
            &["default_job_name"],
            "text, not empty",
            "`promemu_{started_at}`",
            "the job of hosts without a `job_name`",
        ),
        field(
            &["identity_labels"],
            "true or false",
            "`true`",
            "adds the labels `name`, `host` and `address` to the series of all hosts that do not set it themselves",
        ),
        field(&["pushgateway_url"], "text, http or https", "`http://127.0.0.1:9091`", "where to push"),
        field(
            &["serve"],
            "text, a loopback address and a port",
            "none",
            "serve the metrics there, or at the next free port, instead of pushing them; flags and variables that name an output or a Pushgateway come first",
        ),
        field(&["push_interval"], "duration, 1 ms or longer, not `inf`", "`15s`", "time between two pushes"),
        field(
            &["cleanup_on_start"],
            "true or false",
            "`true`",
            "delete the groups of ended runs on the Pushgateway",
        ),
        field(&["cleanup_on_finish"], "true or false", "`true`", "delete the run's groups at its end"),
    ],
};

/// An argument of a config.
pub(super) const ARG: Record = Record {
    name: "Arg",
    summary: "an argument of a config",
    fields: &[
        field(&["default"], "any value", "must be given", "the default value; it sets the type"),
        field(
            &["min", "max"],
            "number",
            "none",
            "bounds of a number; of a duration in seconds, of a size in bytes",
        ),
        field(&["choices"], "list of values", "none", "the only values allowed"),
        field(&["help"], "text", "empty", "a description, for `promemu describe`"),
    ],
};

/// A repetition of a host, a pool or a metric.
pub(super) const REPEAT: Record = Record {
    name: "Repeat",
    summary: "a repetition of a host, a pool or a metric",
    fields: &[
        field(&["var"], "an unused name", "must be given", "the name of the number or item in expressions"),
        field(
            &["from", "to"],
            "whole numbers",
            "must be given, without `in`",
            "first and last number; none if `to` is below `from`",
        ),
        field(
            &["in"],
            "a list, or an expression that gives one",
            "",
            "the items, in place of `from` and `to`",
        ),
    ],
};

/// A recording that is played.
pub(super) const REPLAY: Record = Record {
    name: "Replay",
    summary: "a recording that is played",
    fields: &[
        field(&["recording"], "text", "must be given", "the folder of a recording"),
        field(&["looped"], "true or false", "`false`", "begins again at its end"),
    ],
};
