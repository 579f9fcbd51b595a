//! The fields of hosts and pools.

use super::record::{Record, field};

/// One emulated host, or several alike.
pub(super) const HOST: Record = Record {
    name: "Host",
    summary: "one emulated host, or several alike",
    fields: &[
        field(&["name"], "text, not empty, unique in the run", "must be given", "the host's name"),
        field(
            &["host"],
            "text",
            "derived from the name, as `web01.lgs08.app.stage` from `web-01`",
            "its network name",
        ),
        field(&["repeat"], "`Repeat(…)`, or a list of them", "one host", "makes several hosts"),
        field(
            &["overrides"],
            "`{ \"name\": Host(…) }`",
            "none",
            "different fields for single hosts of a `repeat`; see [Overrides](#overrides)",
        ),
        field(
            &["start_time"],
            "duration",
            "`0s`",
            "its start, counted from the run's start; up to 2 s at random are added",
        ),
        field(&["ttl"], "duration above 0", "`inf`", "its lifetime, counted from its start"),
        field(
            &["interval"],
            "duration or range, 1 ms or longer, not `inf`",
            "`10s`",
            "time between two reports; from a range, a random one for each report",
        ),
        field(
            &["job_name"],
            "text, not empty",
            "`default_job_name`",
            "the job, which is a group on the Pushgateway; hosts may share one, and with `{run_id}` each run has its own",
        ),
        field(
            &["identity_labels"],
            "true or false",
            "the config's, else `true`",
            "adds the labels `name`, `host` and `address` to its series; see [Labels](#labels)",
        ),
        field(&["labels"], "`{ \"name\": text }`", "none", "labels of all its series"),
        field(&["metric_sets"], "list of names", "none", "metrics from the config's sets"),
        field(&["metrics"], "list of `Metric(…)`", "none", "its own metrics, after those of the sets"),
        field(
            &["listen_events"],
            "`{ \"event\": action }` or `{ \"event\": [action, …] }`",
            "none",
            "see [Events](faults-and-incidents.md#events)",
        ),
        field(
            &["pools"],
            "list of `Pool(…)`",
            "none",
            "members that come and go, each with series of its own; see [Pools](pools.md)",
        ),
        field(
            &["faults"],
            "list of faults",
            "none",
            "its faults; see [Faults](faults-and-incidents.md#faults-of-a-host)",
        ),
        field(
            &["storage"],
            "`{ \"name\": value }`",
            "empty",
            "the initial content of its scripts' `host.storage`; a value may be a list of plain values",
        ),
    ],
};

/// Members of a host that come and go.
pub(super) const POOL: Record = Record {
    name: "Pool",
    summary: "members of a host that come and go",
    fields: &[
        field(
            &["name"],
            "text, unique on the host",
            "that of the first metric",
            "the pool's name; seeds its random streams",
        ),
        field(&["repeat"], "`Repeat(…)`, or a list of them", "one pool", "makes several pools"),
        field(
            &["count"],
            "whole number, or formula",
            "must be given",
            "number of members; a formula is evaluated every `count_interval`, and may read the host's metrics by `links`",
        ),
        field(
            &["count_interval"],
            "duration, 1 ms or longer",
            "`10s`",
            "time between two evaluations of the formula",
        ),
        field(&["max"], "whole number", "`count`", "maximum number of members; must be given with a formula"),
        field(
            &["lifetime"],
            "duration or range, 1 ms or longer",
            "`inf`",
            "lifetime of a member; from a range, a random one for each",
        ),
        field(
            &["replace"],
            "`true`, `same`, `false`",
            "`true`",
            "the successor of a member: a new one, the same one again, none",
        ),
        field(&["pause"], "duration or range", "`0s`", "time for which a slot is empty between two members"),
        field(
            &["replace_every"],
            "duration, 1 ms or longer",
            "never",
            "interval at which some members are replaced, whatever their lifetime",
        ),
        field(&["replace_on"], "event, or a list of them", "none", "events that replace some members"),
        field(
            &["replace_share"],
            "number above 0, at most 1",
            "1",
            "the share that is replaced, drawn at random",
        ),
        field(
            &["labels"],
            "`{ \"name\": text }`",
            "none",
            "labels after the host's, generated for each member; one must differ from member to member",
        ),
        field(&["metrics", "metric_sets"], "as for a host", "at least one", "the metrics of one member"),
        field(
            &["workload"],
            "a workload of a [plugin](process-simulator.md)",
            "none",
            "sets the members, their labels and values; only `name`, `repeat` and `update_interval` may stand beside it",
        ),
        field(
            &["update_interval"],
            "duration, 1 ms or longer",
            "`10s`",
            "time between two updates of a workload",
        ),
    ],
};
