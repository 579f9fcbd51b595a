//! Redirects of servers: which are followed, and what goes along.
//!
//! Only 307 and 308 keep the method and the body; they are followed to the same scheme and the same family of hosts.
//! Credentials stay with the server that they are for: headers are left out, and a client with a certificate, which it would
//! show, does not go elsewhere. Any other redirect is an error that names its target.

use reqwest::header::{HeaderName, LOCATION};
use reqwest::{Request, Response, StatusCode, Url};

use super::secrets::Secrets;
use super::target::{is_this_machine, shown};

/// Redirects that are followed, one after the other.
pub(super) const REDIRECTS_MAX: usize = 5;
/// Bytes of a target that are shown.
const TARGET_MAX: usize = 300;

/// The request that follows this response; `None` if the response is no redirect, or one that is not followed. A client that
/// `is_identified` has a certificate.
pub(super) fn next(mut request: Request, response: &Response, is_identified: bool) -> Option<Request> {
    let target = target(response)?;
    if !is_followed(response.status(), request.url(), &target, is_identified) {
        return None;
    }
    if target.origin() != request.url().origin() {
        let sensitive = request.headers().iter().filter(|(_, value)| value.is_sensitive());
        let sensitive: Vec<HeaderName> = sensitive.map(|(name, _)| name.clone()).collect();
        for name in sensitive {
            request.headers_mut().remove(name);
        }
    }
    *request.url_mut() = target;
    Some(request)
}

/// The text of a redirect that was not followed, to stand behind the status; `None` for any other response.
pub(super) fn refusal(response: &Response, is_identified: bool, secrets: &Secrets) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let target = target(response)?;
    let named = named(&target, secrets);
    Some(if is_followed(response.status(), response.url(), &target, is_identified) {
        format!(" after {REDIRECTS_MAX} others, to {named}; check the server's redirects")
    } else {
        format!(" to {named}, which is not followed; give that address if it is the right one")
    })
}

/// The begin of a target, without secrets.
fn named(target: &Url, secrets: &Secrets) -> String {
    let mut named = secrets.conceal(shown(target));
    if named.len() > TARGET_MAX {
        named.truncate(named.floor_char_boundary(TARGET_MAX));
        named.push('…');
    }
    named
}

/// The target of a redirect. A user and password in it are the server's own, and are not taken.
fn target(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let mut target = response.url().join(location).ok()?;
    // A URL that has no host has no user either.
    let _has_none = target.set_username("").and_then(|()| target.set_password(None)).is_ok();
    Some(target)
}

fn is_followed(status: StatusCode, from: &Url, to: &Url, is_identified: bool) -> bool {
    matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
        && from.scheme() == to.scheme()
        && (!is_identified || from.origin() == to.origin())
        && is_same_family(from.host_str().unwrap_or_default(), to.host_str().unwrap_or_default())
}

/// `true` for the same host, for two names of this machine, and for a name below the other one.
fn is_same_family(a: &str, b: &str) -> bool {
    let is_below = |name: &str, parent: &str| {
        let rest = name.strip_suffix(parent).and_then(|rest| rest.strip_suffix('.'));
        parent.contains('.') && !parent.ends_with(|c: char| c.is_ascii_digit()) && rest.is_some()
    };
    a == b || is_this_machine(a) && is_this_machine(b) || is_below(a, b) || is_below(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::proxy::Proxies;
    use crate::http::{HttpOptions, TargetUrl};

    #[test]
    fn a_target_is_named_without_secrets_and_cut_behind_them() {
        let server = TargetUrl::parse("http://me:s3cret@h", "url", "x").unwrap();
        let secrets = Secrets::of(&server, &HttpOptions::default(), &Proxies::default());
        let before = format!("http://h/{}", "x".repeat(TARGET_MAX - 12));
        let long = Url::parse(&format!("{before}s%33cret{}", "y".repeat(60_000))).unwrap();
        assert_eq!(named(&long, &secrets), format!("{before}***…"));
    }

    #[test]
    fn a_redirect_is_followed_within_a_scheme_and_a_family_of_hosts() {
        let url = |text: &str| Url::parse(text).unwrap();
        for (status, from, to, is_right) in [
            (308, "http://gw.example:9091/a", "http://gw.example:9091/b", true),
            (307, "http://gw.example", "http://gw.example:8080", true),
            (308, "https://gw.example", "https://eu.gw.example", true),
            (308, "https://www.gw.example", "https://gw.example", true),
            (308, "http://127.0.0.1:1", "http://localhost:2", true),
            (301, "http://gw.example", "http://gw.example/x", false),
            (302, "http://gw.example", "http://gw.example/x", false),
            (308, "http://gw.example", "https://gw.example", false),
            (308, "https://gw.example", "http://gw.example", false),
            (308, "https://gw.example", "https://example.evil", false),
            (308, "https://gw.example", "https://notgw.example", false),
            (308, "https://example", "https://gw.example", false),
            (308, "http://10.0.0.1", "http://10.0.0.2", false),
            (308, "http://127.0.0.1", "http://10.0.0.2", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let (from, to) = (url(from), url(to));
            let is_followed = |is_identified| is_followed(status, &from, &to, is_identified);
            assert_eq!(is_followed(false), is_right, "{status} {from} {to}");
            let is_same_server = from.origin() == to.origin();
            assert_eq!(
                is_followed(true),
                is_right && is_same_server,
                "with a certificate: {status} {from} {to}"
            );
        }
    }
}
