//! An address to listen at.

use std::net::Ipv6Addr;

/// The host and port of `HOST:PORT`; `None` for anything else, such as a URL: what it says beside would be lost.
#[must_use]
pub fn listen_address(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
    let inner = host.strip_prefix('[').map_or(Some(host), |rest| rest.strip_suffix(']'))?;
    let is_address = inner.parse::<Ipv6Addr>().is_ok();
    let is_name = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    (is_address || is_name).then(|| (inner.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_and_nothing_more() {
        for (text, address) in [
            ("127.0.0.1:9464", Some(("127.0.0.1", 9464))),
            ("localhost:0", Some(("localhost", 0))),
            ("my_host-1.example:80", Some(("my_host-1.example", 80))),
            ("[::]:9464", Some(("::", 9464))),
            ("::1:9464", Some(("::1", 9464))),
            ("[::1:9464", None),
            ("[localhost]:1", None),
            (":9464", None),
            ("h", None),
            ("h:+1", None),
            ("h:65536", None),
            ("u:p@h:1", None),
            ("http://h:1", None),
            ("h:1/path", None),
            ("a b:1", None),
        ] {
            let wanted = address.map(|(host, port): (&str, u16)| (host.to_owned(), port));
            assert_eq!(listen_address(text), wanted, "{text}");
        }
    }
}
