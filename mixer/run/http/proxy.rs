//! Proxies of the environment: which one a request goes through, if any.
//!
//! `http_proxy`, `https_proxy` and `all_proxy` name them, in lower or upper case. Servers of this machine are never
//! reached through one, and neither are those in `no_proxy`, which is read as curl reads it.

use std::net::IpAddr;

use reqwest::Url;

use super::target::{TargetUrl, is_this_machine};
use promemu_core::error::Error;

const VARIABLES: [(&str, [&str; 4]); 2] = [
    ("http", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
    ("https", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
];

/// Proxies by the scheme of the requests, and the servers that are reached without one.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies {
    /// The variable, and its text.
    http: Option<(&'static str, String)>,
    https: Option<(&'static str, String)>,
    exempt: String,
}

impl Proxies {
    /// The proxies that the variables name, looked up by this function.
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &'static str| {
            let text = variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())?;
            Some((name, text))
        };
        // Clients of a CGI program can set HTTP_PROXY by a header named Proxy.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let [http, https] = VARIABLES.map(|(_, names)| {
            names.into_iter().filter(|name| !is_cgi || *name != "HTTP_PROXY").find_map(set)
        });
        let exempt = ["no_proxy", "NO_PROXY"].into_iter().find_map(set).unwrap_or_default().1;
        Self { http, https, exempt }
    }

    /// The URLs of all, as far as they can be read.
    pub(super) fn urls(&self) -> Vec<Url> {
        let named = self.http.iter().chain(&self.https);
        let urls = named.map(|(variable, text)| TargetUrl::parse(text, variable, "http://proxy:3128"));
        urls.flatten().map(|target| target.url().clone()).collect()
    }

    /// The proxy of requests to this URL. One that cannot be used is an error that names its variable.
    pub(super) fn proxy_of(&self, url: &Url) -> Result<Option<Url>, Error> {
        let host = url.host_str().unwrap_or_default();
        if is_this_machine(host) || is_exempt(host, &self.exempt) {
            return Ok(None);
        }
        let named = if url.scheme() == "https" { &self.https } else { &self.http };
        let Some((variable, text)) = named else { return Ok(None) };
        if text.starts_with("socks") {
            return Err(Error::Usage(format!(
                "{variable} names a SOCKS proxy, which promemu cannot use; name {host} in NO_PROXY, or use an http proxy"
            )));
        }
        TargetUrl::parse(text, variable, "http://proxy:3128").map(|proxy| Some(proxy.url().clone()))
    }
}

/// `true` if the list names the host: by its name, a domain above it, its address, or a network of addresses
/// (<https://curl.se/libcurl/c/CURLOPT_NOPROXY.html>).
fn is_exempt(host: &str, list: &str) -> bool {
    if list == "*" {
        return true;
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    if let Ok(address) = host.parse::<IpAddr>() {
        return entries.into_iter().any(|entry| is_in_network(address, entry));
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    entries.into_iter().any(|entry| {
        let entry = entry.trim_end_matches('.').to_ascii_lowercase();
        let entry = entry.strip_prefix('.').unwrap_or(&entry);
        let above = host.strip_suffix(entry);
        above.is_some_and(|rest| !entry.is_empty() && (rest.is_empty() || rest.ends_with('.')))
    })
}

/// `true` if the entry is the address, or a network `ADDRESS/BITS` with it.
fn is_in_network(address: IpAddr, entry: &str) -> bool {
    let (network, bits) =
        entry.split_once('/').map_or((entry, None), |(network, bits)| (network, Some(bits)));
    let network = network.trim_start_matches('[').trim_end_matches(']');
    let Ok(network) = network.parse::<IpAddr>() else { return false };
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let bits = bits.map_or(Ok(width), str::parse::<u32>);
    bits.is_ok_and(|bits| bits <= width && (address ^ network).checked_shr(width - bits).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)], url: &str) -> Result<Option<String>, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| (*text).to_owned())
        };
        let proxy = Proxies::of(variable).proxy_of(&Url::parse(url).unwrap());
        proxy.map(|proxy| proxy.map(|url| url.to_string())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_proxy_is_chosen_by_the_scheme_and_never_for_this_machine() {
        let all = [("HTTP_PROXY", "http://h:1"), ("https_proxy", "s:2"), ("ALL_PROXY", "http://a:3")];
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(proxy(&all, "http://gw.example"), some("http://h:1/"));
        assert_eq!(proxy(&all, "https://gw.example"), some("http://s:2/"));
        assert_eq!(proxy(&all[2..], "https://gw.example"), some("http://a:3/"));
        assert_eq!(
            proxy(&[("http_proxy", ""), ("ALL_PROXY", "http://a:3")], "http://x"),
            some("http://a:3/")
        );
        assert_eq!(proxy(&[all[0], ("REQUEST_METHOD", "GET")], "http://gw.example"), Ok(None));
        for here in [
            "http://127.0.0.1:1",
            "http://127.8.8.8",
            "https://localhost",
            "http://LOCALHOST",
            "http://promemu.localhost",
            "http://[::1]:9091",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0:9091",
        ] {
            assert_eq!(proxy(&all, here), Ok(None), "{here}");
        }
        for there in ["http://127.evil.example", "http://notlocalhost", "http://10.0.0.1"] {
            assert_eq!(proxy(&all, there), some("http://h:1/"), "{there}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_where_it_would_be_used() {
        let socks = [("ALL_PROXY", "socks5://me:s3cret@h:1")];
        let refused = proxy(&socks, "http://gw").unwrap_err();
        assert!(
            refused.contains("ALL_PROXY names a SOCKS proxy") && !refused.contains("s3cret"),
            "{refused}"
        );
        assert_eq!(proxy(&socks, "http://127.0.0.1"), Ok(None));
        assert!(proxy(&[("http_proxy", "ftp://h")], "http://gw").unwrap_err().contains("http_proxy"));
    }

    #[test]
    fn exempt_servers_are_listed_as_for_curl() {
        for (host, list, is_listed) in [
            ("gw.example", "*", true),
            ("gw.example", "other,gw.example", true),
            ("gw.example", "other gw.example", true),
            ("gw.example", "example", true),
            ("gw.example", ".example", true),
            ("GW.Example.", "gw.example", true),
            ("gw.example", "EXAMPLE.", true),
            ("agw.example", "gw.example", false),
            ("gw.example", "a.gw.example", false),
            ("gw.example", "", false),
            ("gw.example", ",.,", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "10.1.2.0/31", false),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.0.0.0/33", false),
            ("10.1.2.3", "1.2.3", false),
            ("[fd00::1]", "fd00::/8", true),
            ("[fd00::1]", "fd00::1", true),
            ("[fd00::1]", "fe80::/10", false),
        ] {
            assert_eq!(is_exempt(host, list), is_listed, "{host} {list}");
        }
    }
}
