//! Names: valid ones for Prometheus, reserved ones, and generated ones for hosts.

use crate::rng::fnv1a;

/// Prefix of the families that promemu itself exposes.
pub const OWN_PREFIX: &str = "promemu_";

/// Maximum length of a name of a metric, label, host, job, pool, event or lever.
pub const NAME_BYTES_MAX: usize = 1_000;

/// Maximum length of a text that others are sent or shown: a label's value, a description, a query.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// Families of the Pushgateway itself.
const RESERVED_METRICS: [&str; 2] = ["push_time_seconds", "push_failure_time_seconds"];

/// `true` for a family name of the Pushgateway or of promemu itself. A config must not use it, since a name with two
/// types is refused by servers.
#[must_use]
pub fn is_reserved_metric(name: &str) -> bool {
    RESERVED_METRICS.contains(&name) || name.starts_with(OWN_PREFIX)
}

/// `true` for a valid family name: `[a-zA-Z_:][a-zA-Z0-9_:]*`
/// (<https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>).
#[must_use]
pub fn is_metric_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

/// `true` for a valid label name: no colon, and no `__` at the beginning, which is reserved for Prometheus.
#[must_use]
pub fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':') && !name.starts_with("__")
}

/// A generated host name in the style of `stress01.lgs01.app.stage`; a function of `name`.
#[must_use]
pub fn made_up_host(name: &str) -> String {
    let node: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).take(40).collect();
    let node = if node.is_empty() { "node" } else { &node };
    format!("{node}.lgs{:02}.app.stage", fnv1a(name.as_bytes()) % 16 + 1)
}

/// A generated private address in 10.0.0.0/8; a function of `name`.
#[must_use]
pub fn made_up_address(name: &str) -> String {
    // The high bits are the best mixed ones; the last byte is from 1 to 254.
    let hash = fnv1a(name.as_bytes()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    format!("10.{}.{}.{}", hash >> 8 & 0xff, hash >> 16 & 0xff, hash % 254 + 1)
}

/// `HOST:PORT`, with an IPv6 address in brackets.
#[must_use]
pub fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_promemu_and_the_pushgateway_are_reserved() {
        for (name, is_taken) in [("promemu_series", true), ("push_time_seconds", true), ("promemus", false)] {
            assert_eq!(is_reserved_metric(name), is_taken, "{name}");
        }
    }

    #[test]
    fn names_are_valid_as_prometheus_defines() {
        assert!(is_metric_name("node:cpu_seconds:rate5m"));
        for bad in ["", "9lives", "cpu usage", "cpu-usage", "größe"] {
            assert!(!is_metric_name(bad), "{bad}");
        }
        assert!(is_label_name("code"));
        for bad in ["__name__", "a:b", "1st"] {
            assert!(!is_label_name(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_of_ipv6_is_in_brackets_beside_its_port() {
        for (host, shown) in [
            ("::", "[::]:9"),
            ("::1", "[::1]:9"),
            ("fe80::1%eth0", "[fe80::1%eth0]:9"),
            ("127.0.0.1", "127.0.0.1:9"),
            ("localhost", "localhost:9"),
        ] {
            assert_eq!(host_and_port(host, 9), shown);
        }
    }

    #[test]
    fn made_up_names_are_stable_and_plausible() {
        assert_eq!(made_up_host("worker-01"), made_up_host("worker-01"));
        insta::assert_snapshot!(made_up_host("worker-01"), @"worker01.lgs02.app.stage");
        insta::assert_snapshot!(made_up_address("worker-01"), @"10.167.135.23");
        assert!(made_up_host("…").starts_with("node.lgs"));
    }
}
