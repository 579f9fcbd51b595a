//! Secrets of a client, which no shown text contains, even if a server echoes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

use super::options::HttpOptions;
use super::proxy::Proxies;
use super::target::TargetUrl;

/// A shorter one would be found in unrelated texts.
const SECRET_BYTES_MIN: usize = 4;
/// The longest spelling of a secret that is found across the end of a shown text: one of 4 KiB, each byte as `\u00XX`.
pub(super) const SPELLING_BYTES_MAX: usize = 6 * 4096;

/// Secrets of one server's client: those of the server, and of the proxies before it.
#[derive(Clone)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn of(target: &TargetUrl, options: &HttpOptions, proxies: &Proxies) -> Self {
        let mut all: Vec<String> = options.secrets().to_vec();
        let url = target.url();
        all.extend(proxies.urls().iter().chain([url]).flat_map(credentials));
        let query = url.query().unwrap_or_default();
        all.push(query.to_owned());
        all.extend(query.split('&').filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
        all.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        Self::all(all)
    }

    /// The same with one more.
    pub(super) fn with(self, secret: &str) -> Self {
        Self::all(self.0.into_iter().chain([secret.to_owned()]).collect())
    }

    fn all(mut all: Vec<String>) -> Self {
        // Base64 is also written without its padding.
        let padded = all.iter().filter(|secret| secret.len().is_multiple_of(4));
        let unpadded: Vec<String> = padded.map(|secret| secret.trim_end_matches('=').to_owned()).collect();
        all.extend(unpadded);
        all.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
        // A secret that is part of another one comes after it.
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Self(all)
    }

    /// The text without the secrets, however they are escaped in it.
    pub(crate) fn conceal(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| without(text, secret))
    }
}

/// The password of a URL and what is sent of it, as written in the URL and decoded.
fn credentials(url: &Url) -> Vec<String> {
    let Some(password) = url.password() else { return Vec::new() };
    let written = (url.username().to_owned(), password.to_owned());
    let decoded = (decoded(url.username()), decoded(password));
    let both = [written, decoded].into_iter();
    both.flat_map(|(user, password)| [STANDARD.encode(format!("{user}:{password}")), password]).collect()
}

/// The text with `***` in place of each spelling of the secret.
fn without(text: String, secret: &str) -> String {
    let (mut shown, mut rest) = (String::new(), text.as_str());
    while let Some((begin, len)) = first_spelling(rest, secret) {
        shown.push_str(&rest[..begin]);
        shown.push_str("***");
        rest = &rest[begin + len..];
    }
    if shown.is_empty() { text } else { shown + rest }
}

/// Begin and length of the first spelling of the secret.
fn first_spelling(text: &str, secret: &str) -> Option<(usize, usize)> {
    text.char_indices().find_map(|(begin, _)| Some((begin, spelling(&text[begin..], secret)?)))
}

/// Bytes at the begin of the text that spell the secret. Each byte may stand for itself or be escaped, as in URLs, JSON or
/// HTML, so there may be several ways to read on.
fn spelling(text: &str, secret: &str) -> Option<usize> {
    let mut ends = vec![0];
    for byte in secret.bytes() {
        let next = ends.iter().flat_map(|end| {
            let (rest, end) = (&text.as_bytes()[*end..], *end);
            let is_itself =
                rest.first().is_some_and(|first| *first == byte || (*first, byte) == (b'+', b' '));
            let escaped = escape(rest).filter(|(meant, _)| *meant == byte).map(|(_, len)| end + len);
            is_itself.then_some(end + 1).into_iter().chain(escaped)
        });
        let mut next: Vec<usize> = next.collect();
        next.dedup();
        ends = next;
        if ends.is_empty() {
            return None;
        }
    }
    ends.into_iter().filter(|end| text.is_char_boundary(*end)).max()
}

/// The byte that the text begins with in escaped form, and the length of that.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let hex = |from: usize, len: usize| {
        let digits = std::str::from_utf8(text.get(from..from + len)?).ok()?;
        u8::from_str_radix(digits, 16).ok().map(|byte| (byte, from + len))
    };
    match text {
        [b'%', ..] => hex(1, 2),
        [b'\\', b'u', b'0', b'0', ..] => hex(4, 2),
        [b'\\', b'x', ..] => hex(2, 2),
        [b'\\', byte, ..] => Some((*byte, 2)),
        [b'&', rest @ ..] => {
            let end = rest.iter().take(6).position(|byte| *byte == b';')?;
            let byte = match &rest[..end] {
                b"amp" => b'&',
                b"lt" => b'<',
                b"gt" => b'>',
                b"quot" => b'"',
                b"apos" => b'\'',
                [b'#', b'x' | b'X', digits @ ..] => {
                    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
                }
                [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
                _ => return None,
            };
            Some((byte, end + 2))
        }
        _ => None,
    }
}

/// A text with its `%2F` escapes decoded.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let escaped =
            behind.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = if byte.is_some() { &behind[2..] } else { behind };
        bytes.push(byte.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Shows their number only.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(target: &TargetUrl) -> Secrets {
        Secrets::of(target, &HttpOptions::default(), &Proxies::default())
    }

    #[test]
    fn credentials_of_proxies_are_concealed_as_those_of_the_server() {
        let target = TargetUrl::parse("http://me:s3cret@h/x", "url", "x").unwrap();
        let variables = |name: &str| match name {
            "http_proxy" => Some("us:p%2Bssword@proxy:1".to_owned()),
            "HTTPS_PROXY" => Some("http://other:0ther@proxy:2".to_owned()),
            _ => None,
        };
        let secrets = Secrets::of(&target, &HttpOptions::default(), &Proxies::of(variables)).with("t0ken");
        let padded = STANDARD.encode("us:p+ssword");
        assert!(padded.ends_with('='), "{padded}");
        for echo in [
            "s3cret",
            "p+ssword",
            "p%2Bssword",
            "p\\u002bssword",
            &padded,
            padded.trim_end_matches('='),
            &padded.replace('=', "%3D"),
            &STANDARD.encode("us:p%2Bssword"),
            "0ther",
            &STANDARD.encode("other:0ther"),
            "t0ken",
        ] {
            assert_eq!(secrets.conceal(format!("no: {echo}!")), "no: ***!", "{echo}");
        }
        assert_eq!(secrets.conceal("user us".to_owned()), "user us");
        let target = TargetUrl::parse("http://h/x?token=", "url", "x").unwrap();
        let secrets = Secrets::of(&target, &HttpOptions::default(), &Proxies::default());
        assert_eq!(secrets.conceal("the token is wrong".to_owned()), "the token is wrong");
    }

    #[test]
    fn secrets_that_a_server_echoes_are_concealed() {
        let target = TargetUrl::parse("http://me:s3cret@h/x?key=t0ken", "url", "x").unwrap();
        let secrets = secrets(&target);
        let echo = "no: Basic bWU6czNjcmV0 (me:s3cret) at /x?key=t0ken";
        assert_eq!(secrets.conceal(echo.to_owned()), "no: Basic *** (me:***) at /x?***");
        assert_eq!(format!("{secrets:?}"), "Secrets(4)");
        assert_eq!(secrets.conceal("the key t0ken is unknown".to_owned()), "the key *** is unknown");
    }

    #[test]
    fn each_spelling_of_a_secret_is_concealed() {
        let target =
            TargetUrl::parse("http://m%65:s%2Fcret@h/x?a=1&key=t%2Fken&b=to+ken", "url", "x").unwrap();
        let secrets = secrets(&target);
        for echo in
            ["s%2Fcret", "s/cret", "t%2Fken", "t/ken", "to+ken", "to ken", &STANDARD.encode("me:s/cret")]
        {
            assert_eq!(secrets.conceal(format!("no: {echo}!")), "no: ***!", "{echo}");
        }
        assert_eq!(secrets.conceal("11 hosts".to_owned()), "11 hosts", "a short one is in too many texts");
    }

    #[test]
    fn an_escaped_secret_is_concealed_whatever_is_escaped_in_it() {
        let target = TargetUrl::parse("http://me:Ab%2B%2F=%C3%A9%25'x@h", "url", "x").unwrap();
        let secrets = secrets(&target);
        for echo in [
            "Ab%2B/%3D%c3%a9%25%27x",
            "Ab+/=%C3%A9%'x",
            "Ab\\u002B\\/=é%\\'x",
            "Ab\\x2b/=é%'\\u0078",
            "Ab&#43;/&#x3d;é%&apos;x",
        ] {
            assert_eq!(secrets.conceal(format!("no: {echo}! {echo}%")), "no: ***! ***%", "{echo}");
        }
        for other in ["Ab%2B/%3D%c3%a9%25%27", "Ab%2", "Ab&#", "Ab&#4", "\\", "Ab\\u00", "é%"] {
            assert_eq!(secrets.conceal(other.to_owned()), other);
        }
    }
}
