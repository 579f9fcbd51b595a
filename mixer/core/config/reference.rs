//! The records of configs and their fields, as data: the reference in the docs and `promemu describe --json` are made of it, and a test
//! compares it with what the readers take. It reads nothing itself.

mod config;
mod effects;
mod fault;
mod host;
mod metric;
mod playlist;
mod record;
mod timeline;
mod verdict;

pub use record::{Field, Record};

/// The records, the outermost first.
pub const RECORDS: [&Record; 25] = [
    &config::CONFIG,
    &config::ARG,
    &config::REPEAT,
    &config::REPLAY,
    &host::HOST,
    &host::POOL,
    &metric::METRIC,
    &fault::FAULT,
    &fault::FAULT_TIMES,
    &effects::TOXIPROXY,
    &effects::SERVER,
    &timeline::TIMELINE,
    &timeline::PHASE,
    &timeline::TRUTH,
    &verdict::FIRES,
    &verdict::RESOLVES,
    &verdict::NO_OTHER_ALERTS,
    &verdict::HOLDS,
    &verdict::FIRST,
    &verdict::SERIES,
    &verdict::PANELS,
    &verdict::QUERY_TIME,
    &verdict::NOTIFIES,
    &playlist::PLAYLIST,
    &playlist::ITEM,
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use indexmap::IndexMap;

    use super::*;
    use crate::config::fields::known_fields;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::fault::KINDS;
    use crate::time::Time;

    /// A config with one record of each kind.
    const ONE_OF_EACH: &str = r#"Config(
        args: { "n": Arg(default: 1) }, levers: { "load": 1 },
        faults: [Fault(id: "f", at: "1m", lasts: "1m", times: { "load": 2 }, truth: Truth(root: "h-1"))],
        timeline: Timeline(phases: [Phase(name: "p", lasts: "5m")]),
        toxiproxy: Toxiproxy(servers: "a", create: { "a": Server(listen: "127.0.0.1:1", upstream: "127.0.0.1:2") }),
        verdicts: [fires(alert: "A"), resolves(alert: "A", within: "1m"), no_other_alerts(), holds(query: "up"), first(query: "up"), series(total: 1), panels(dashboard: "d.json"), query(query: "up", p95: "1s"), notifies(receiver: "r", alert: "A")],
        hosts: [Host(name: "h-{i}", repeat: Repeat(var: "i", from: 1, to: 2), metrics: [Metric(name: "m")],
            overrides: { "h-1": Host(ttl: "5m") }, pools: [Pool(count: 1, labels: { "slot": "{slot}" }, metrics: [Metric(name: "p")])])])"#;

    #[test]
    fn every_record_has_the_fields_that_are_read() {
        let file = ConfigFile::from_text("test", ONE_OF_EACH);
        let (loaded, mut known) =
            known_fields(|| file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))));
        loaded.unwrap();
        // A workload needs a plugin, but its fields are read before that is missed.
        let with_workload = ONE_OF_EACH.replace("count: 1,", "workload: none_such, update_interval: 1,");
        let file = ConfigFile::from_text("test", &with_workload);
        let (_, beside_workload) = known_fields(|| {
            file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).is_err()
        });
        for (record, names) in beside_workload {
            known.entry(record).or_default().extend(names);
        }
        // A recording is opened by the caller.
        let file = ConfigFile::from_text("test", "Config(replay: Replay(recording: \"x\"))");
        let (_, of_replay) = known_fields(|| {
            file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).is_err()
        });
        known.extend(of_replay.into_iter().filter(|(record, _)| *record == "Replay"));
        let playlist = "Playlist(args: { \"n\": 1 }, items: [Item(config: \"single_host_load\")])";
        let file = ConfigFile::from_text("test", playlist);
        let (_, of_playlist) = known_fields(|| file.playlist(&IndexMap::new()).is_ok());
        known.extend(of_playlist.into_iter().filter(|(record, _)| ["Playlist", "Item"].contains(record)));
        // Of the scenarios of the host that shows the timeline.
        known.retain(|record, _| !["script", "calc_by_event"].contains(record));
        let of_faults = KINDS.iter().flat_map(|kind| {
            let metrics = kind.takes_metrics.then_some("metrics");
            kind.schedule.fields().iter().copied().chain(metrics)
        });
        known.insert(fault::FAULT_TIMES.name, of_faults.collect());
        let described: BTreeMap<&str, BTreeSet<&str>> = RECORDS
            .iter()
            .map(|record| {
                let names = record.fields.iter().flat_map(|field| field.names.iter().copied());
                (record.name, names.collect())
            })
            .collect();
        assert_eq!(described, known);
    }

    /// The rows of a record's table in the docs.
    fn rows(record: &Record) -> String {
        let row = |field: &Field| {
            let names: Vec<String> = field.names.iter().map(|name| format!("`{name}`")).collect();
            let cells = [&*names.join(", "), field.takes, field.default, field.help];
            format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | ").replace("|  |", "| |"))
        };
        record.fields.iter().map(row).collect()
    }

    #[test]
    fn the_tables_of_fields_in_the_docs_are_made_of_the_records() {
        const HINT: &str = "run it once with PROMEMU_UPDATE_DOCS=1 to write the table anew";
        let pages = [
            ("config-file.md", &[&config::CONFIG, &config::ARG, &config::REPLAY][..]),
            ("hosts-and-metrics.md", &[&host::HOST, &config::REPEAT, &metric::METRIC]),
            ("pools.md", &[&host::POOL]),
            ("faults-and-incidents.md", &[&fault::FAULT, &fault::FAULT_TIMES]),
            ("effects.md", &[&effects::TOXIPROXY, &effects::SERVER]),
            ("timelines.md", &[&timeline::TIMELINE, &timeline::PHASE, &timeline::TRUTH]),
            ("playlists.md", &[&playlist::PLAYLIST, &playlist::ITEM]),
            (
                "verdicts.md",
                &[
                    &verdict::FIRES,
                    &verdict::RESOLVES,
                    &verdict::NO_OTHER_ALERTS,
                    &verdict::HOLDS,
                    &verdict::FIRST,
                    &verdict::SERIES,
                    &verdict::PANELS,
                    &verdict::QUERY_TIME,
                    &verdict::NOTIFIES,
                ],
            ),
        ];
        for (page, records) in pages {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
            let mut text = std::fs::read_to_string(&path).unwrap();
            for record in records {
                let begin = format!("<!-- fields of {}: begin -->\n", record.name);
                let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page}: no {begin}"));
                let (section, after) = rest.split_once("<!-- fields: end -->").unwrap();
                let table = format!(
                    "| field | type | default | meaning |\n| --- | --- | --- | --- |\n{}",
                    rows(record)
                );
                if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
                    text = format!("{before}{begin}{table}<!-- fields: end -->{after}");
                } else {
                    assert_eq!(section, table, "{page}: {HINT}");
                }
            }
            if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
                std::fs::write(&path, text).unwrap();
            }
        }
    }
}
