//! What nobody may be shown, also not if a server says it back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{HttpOptions, TargetUrl};

/// A shorter one would be found in texts that have nothing to do with it.
const SECRET_BYTES_MIN: usize = 4;
/// No secret is taken to be longer.
pub(super) const SECRET_BYTES_MAX: usize = 4096;

/// The secrets of one server's client.
#[derive(Clone)]
pub(in crate::sink) struct Secrets(Vec<String>);

impl Secrets {
    pub(in crate::sink) fn of(target: &TargetUrl, options: &HttpOptions) -> Self {
        let mut all: Vec<String> = options.secrets().to_vec();
        let url = target.url();
        if let Some(password) = url.password() {
            // As it is sent, if it needs no other spelling in a url.
            all.push(STANDARD.encode(format!("{}:{password}", url.username())));
            all.push(password.to_owned());
        }
        all.extend(url.query().map(str::to_owned));
        all.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
        // What is part of another one goes after it.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(all)
    }

    /// The text without them.
    pub(in crate::sink) fn conceal(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), "***") } else { text }
        })
    }
}

/// How many there are.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_back_is_concealed() {
        let target = TargetUrl::parse("http://me:s3cret@h/x?key=t0ken", "url", "x").unwrap();
        let secrets = Secrets::of(&target, &HttpOptions::default());
        let said = "no: Basic bWU6czNjcmV0 (me:s3cret) at /x?key=t0ken";
        assert_eq!(secrets.conceal(said.to_owned()), "no: Basic *** (me:***) at /x?***");
        assert_eq!(format!("{secrets:?}"), "Secrets(3)");
    }
}
