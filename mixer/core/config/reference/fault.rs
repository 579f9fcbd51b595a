//! The fields of faults: those of a config, and the times of those of a host.

use super::record::{Record, field};

/// A fault of the config, which moves levers or shows at hosts.
pub(super) const FAULT: Record = Record {
    name: "Fault",
    summary: "a fault of the config, which moves levers or shows at hosts",
    fields: &[
        field(&["id"], "text", "must be given", "its name, unique in the config"),
        field(&["at"], "duration", "`0s`", "its begin, counted from the start of the run"),
        field(
            &["during"],
            "name of a phase",
            "none",
            "`at` counts from the begin of this [phase](timelines.md), and the fault ends with it",
        ),
        field(&["lasts"], "duration", "`inf`", "its length; the end is exclusive"),
        field(&["every"], "duration, 100 ms or longer", "once", "from one begin to the next"),
        field(
            &["jitter"],
            "duration",
            "`0s`",
            "each begin is later by a random part of it, which depends on the seed alone; with `lasts` below `every`",
        ),
        field(
            &["on"],
            "event, or a list of them",
            "none",
            "an event begins it, in place of `at`, `every`, `jitter` and `during`; another one while it is on prolongs it",
        ),
        field(
            &["hosts"],
            "pattern or list of patterns",
            "all hosts",
            "`web-*`, `web-0[12]`, `web-?`, or `label=value`, up to 1 000 characters each; a pattern that matches no host is an error",
        ),
        field(
            &["set"],
            "`{ \"lever\": value }`",
            "",
            "the lever has this value; of several faults the last one in the file counts",
        ),
        field(&["times"], "`{ \"lever\": value }`", "", "then it is multiplied by all of these"),
        field(&["plus"], "`{ \"lever\": value }`", "", "then all of these are added"),
        field(
            &["kind"],
            "a [fault](#faults-of-a-host) without its times",
            "none",
            "the hosts show it: `host_down`, `late(by: \"30s\")`, `gap(metrics: [\"cpu.*\"])`",
        ),
        field(
            &["truth"],
            "`Truth(…)`",
            "none",
            "what monitoring should see of it; see [ground truth](timelines.md#ground-truth)",
        ),
    ],
};

/// The times of a fault of a host, whatever its kind.
pub(super) const FAULT_TIMES: Record = Record {
    name: "(a fault of a host)",
    summary: "the times of a fault of a host, whatever its kind",
    fields: &[
        field(
            &["every"],
            "duration, 100 ms or longer",
            "once",
            "time between two episodes, and before the first one",
        ),
        field(&["jitter"], "duration", "`0s`", "each episode begins later by a random part of it"),
        field(&["at"], "duration", "`every`, else `0s`", "time from the host's start to the first episode"),
        field(
            &["lasts"],
            "duration",
            "to the host's end",
            "length of an episode; with `jitter` below `every`",
        ),
        field(
            &["on"],
            "event, or a list of them",
            "none",
            "an event begins an episode, in place of `every` and `at`; another one prolongs it",
        ),
        field(
            &["until"],
            "event, or a list of them",
            "none",
            "an event ends the episode that `on` has begun; another one than those of `on`",
        ),
        field(
            &["probability"],
            "number above 0, at most 1",
            "1",
            "its probability: of `nan` for each sample, of `late` and `out_of_order` for each report, of the others each time",
        ),
        field(
            &["metrics"],
            "pattern, or a list of them",
            "all",
            "regular expressions for whole names of metrics, of up to 10 000 characters and 50 groups each",
        ),
    ],
};
