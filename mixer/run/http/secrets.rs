//! Secrets of a client, which no shown text contains, even if a server echoes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::options::HttpOptions;
use super::target::TargetUrl;

/// A shorter one would be found in unrelated texts.
const SECRET_BYTES_MIN: usize = 4;
/// The longest secret that is found across the end of a shown text.
pub(super) const SECRET_BYTES_MAX: usize = 4096;

/// Secrets of one server's client.
#[derive(Clone)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(target: &TargetUrl, options: &HttpOptions) -> Self {
        let mut all: Vec<String> = options.secrets().to_vec();
        let url = target.url();
        if let Some(password) = url.password() {
            // As written in the URL, and as sent.
            for (user, password) in [
                (url.username().to_owned(), password.to_owned()),
                (decoded(url.username()), decoded(password)),
            ] {
                all.push(STANDARD.encode(format!("{user}:{password}")));
                all.push(password);
            }
        }
        let query = url.query().unwrap_or_default();
        all.push(query.to_owned());
        all.extend(query.split('&').filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
        all.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        all.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
        // A secret that is part of another one comes after it.
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Self(all)
    }

    /// The text without the secrets.
    pub(crate) fn conceal(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), "***") } else { text }
        })
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

    #[test]
    fn secrets_that_a_server_echoes_are_concealed() {
        let target = TargetUrl::parse("http://me:s3cret@h/x?key=t0ken", "url", "x").unwrap();
        let secrets = Secrets::of(&target, &HttpOptions::default());
        let echo = "no: Basic bWU6czNjcmV0 (me:s3cret) at /x?key=t0ken";
        assert_eq!(secrets.conceal(echo.to_owned()), "no: Basic *** (me:***) at /x?***");
        assert_eq!(format!("{secrets:?}"), "Secrets(4)");
        assert_eq!(secrets.conceal("the key t0ken is unknown".to_owned()), "the key *** is unknown");
    }

    #[test]
    fn each_spelling_of_a_secret_is_concealed() {
        let target =
            TargetUrl::parse("http://m%65:s%2Fcret@h/x?a=1&key=t%2Fken&b=to+ken", "url", "x").unwrap();
        let secrets = Secrets::of(&target, &HttpOptions::default());
        for echo in
            ["s%2Fcret", "s/cret", "t%2Fken", "t/ken", "to+ken", "to ken", &STANDARD.encode("me:s/cret")]
        {
            assert_eq!(secrets.conceal(format!("no: {echo}!")), "no: ***!", "{echo}");
        }
        assert_eq!(secrets.conceal("11 hosts".to_owned()), "11 hosts", "a short one is in too many texts");
    }
}
