//! The header `Host` of a request (<https://www.rfc-editor.org/rfc/rfc9110#name-host-and-authority>).

use std::net::IpAddr;

/// `true` if a client calls the server by a name that is always this machine's. A web site can have its own name resolve to
/// this machine, but cannot change the name that the browser sends.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
