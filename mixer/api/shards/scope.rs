//! The shards that a request is about.

use axum::http::{Method, Uri};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::lists::{merge_events, merge_families, merge_levers, merge_overrides};
use super::merge::{Merge, merge_status};
use super::spans::merge_spans;
use crate::runs::MAIN;

/// The part of the run that a request is about.
pub(super) enum Scope {
    /// The shard that was asked.
    Own,
    /// All shards, whose answers are merged like this.
    Merged(Merge),
    /// A page of the hosts of all shards.
    Hosts,
    /// The hosts of all shards that a pattern selects.
    Acting,
    /// The shard of this host.
    Host(String),
    /// The shard of the template of a host that is to be added.
    NewHost,
    /// This shard, or one with hosts that a pattern selects.
    Selecting,
}

impl Scope {
    /// The scope of a request. Runs that clients have created have no shards.
    pub(super) fn of(method: &Method, uri: &Uri) -> Self {
        let Some(path) = uri.path().strip_prefix("/api/v1/") else { return Self::Own };
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy();
        let is_other = |(name, value)| decoded(name) == "run" && decoded(value) != MAIN;
        if pairs(uri.query().unwrap_or_default()).any(is_other) {
            return Self::Own;
        }
        let parts: Vec<&str> = path.split('/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["status"]) => Self::Merged(merge_status),
            ("GET", ["hosts"]) => Self::Hosts,
            ("GET", ["fleet"]) => Self::Merged(super::fleet_cells::merge_cells),
            ("GET", ["overrides"]) => Self::Merged(merge_overrides),
            ("GET", ["metrics"]) => Self::Merged(merge_families),
            ("GET", ["events"]) => Self::Merged(merge_events),
            ("GET", ["levers"]) => Self::Merged(merge_levers),
            ("GET", ["spans"]) => Self::Merged(merge_spans),
            ("POST", ["actions"]) => Self::Acting,
            ("POST", ["hosts"]) => Self::NewHost,
            (_, ["hosts", name, ..]) => Self::Host(percent_decode_str(name).decode_utf8_lossy().into_owned()),
            ("PUT" | "DELETE", ["levers", _]) => Self::Selecting,
            _ => Self::Own,
        }
    }
}

/// The names and values of a query, as they are written.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A path with another part of a list.
pub(super) fn with_part(path: &str, offset: usize, limit: usize) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kept = pairs(query).filter(|(name, _)| !["offset", "limit"].contains(name));
    let part = [format!("offset={offset}"), format!("limit={limit}")];
    let all: Vec<String> = kept.map(|(name, value)| format!("{name}={value}")).chain(part).collect();
    format!("{path}?{}", all.join("&"))
}

/// The path of a host.
pub(super) fn host_path(name: &str) -> String {
    format!("/api/v1/hosts/{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_whole_name_and_runs_of_clients_have_no_shards() {
        let of = |path: &str| Scope::of(&Method::GET, &path.parse().unwrap());
        assert!(matches!(of(&host_path("a/b c%")), Scope::Host(name) if name == "a/b c%"));
        assert!(matches!(of("/api/v1/hosts?run=main"), Scope::Hosts));
        assert!(matches!(of("/api/v1/hosts?run=second"), Scope::Own));
        assert!(matches!(of("/api/v1/runs"), Scope::Own));
    }

    #[test]
    fn another_part_of_a_list_keeps_the_filters() {
        let path = with_part("/api/v1/hosts?search=a%20b&offset=7&limit=3&state=down", 10, 2);
        assert_eq!(path, "/api/v1/hosts?search=a%20b&state=down&offset=10&limit=2");
        assert_eq!(with_part("/api/v1/hosts", 0, 5), "/api/v1/hosts?offset=0&limit=5");
    }
}
