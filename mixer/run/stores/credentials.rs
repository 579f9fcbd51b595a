//! Credentials of an object store: from the usual variables, or from a file.

use std::fmt;
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::{text_file, user_file};

/// The names in the environment, and those in a file.
const KEY: [&str; 2] = ["AWS_ACCESS_KEY_ID", "aws_access_key_id"];
const SECRET: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"];
const TOKEN: [&str; 2] = ["AWS_SESSION_TOKEN", "aws_session_token"];

/// A key, its secret, and perhaps the token of a session.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(super) key: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

impl Credentials {
    /// The credentials of a file of the form of `~/.aws/credentials`, section `default` or the first one, or those of the
    /// environment without a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or something is missing.
    pub fn read(file: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = file else {
            return Self::of(|[name, _]| std::env::var(name).ok()).ok_or_else(|| {
                let [key, _] = KEY;
                let [secret, _] = SECRET;
                Error::Usage(format!(
                    "credentials of the object store are missing; set {key} and {secret}, or name a credentials_file"
                ))
            });
        };
        let text = text_file::read(path, user_file::SMALL_BYTES_MAX).map_err(|source| {
            let what = format!("credentials_file {} cannot be read", path.display());
            Error::System { what, source }
        })?;
        Self::of_text(&text).ok_or_else(|| {
            let ([_, key], [_, secret]) = (KEY, SECRET);
            let path = path.display();
            Error::Usage(format!(
                "credentials_file {path} has no {key} and {secret}; write each as NAME = VALUE"
            ))
        })
    }

    fn of(value: impl Fn([&'static str; 2]) -> Option<String>) -> Option<Self> {
        let known = |names| value(names).filter(|value| !value.is_empty());
        Some(Self { key: known(KEY)?, secret: known(SECRET)?, token: known(TOKEN) })
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut sections: Vec<(&str, Vec<(&str, &str)>)> = vec![("", Vec::new())];
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                sections.push((name.trim(), Vec::new()));
            } else if let (Some((name, value)), Some((_, values))) =
                (line.split_once('='), sections.last_mut())
            {
                values.push((name.trim(), value.trim()));
            }
        }
        let default = sections.iter().find(|(name, _)| *name == "default");
        let (_, values) = default.or_else(|| sections.iter().find(|(_, values)| !values.is_empty()))?;
        Self::of(|[_, name]| {
            values.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// A text without what nobody may read.
    pub(super) fn conceal(&self, text: &str) -> String {
        let secrets = [Some(&self.secret), self.token.as_ref(), Some(&self.key)];
        secrets.into_iter().flatten().fold(text.to_owned(), |text, secret| text.replace(&**secret, "***"))
    }
}

/// Shows nothing of them.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_sections_and_default_is_preferred() {
        let text = "# mine\n[other]\naws_access_key_id=o\naws_secret_access_key=p\n[default]\naws_access_key_id = k\naws_secret_access_key = s=1\n";
        let read = Credentials::of_text(text).unwrap();
        assert_eq!((&*read.key, &*read.secret, read.token), ("k", "s=1", None));
        let first = Credentials::of_text("[a]\naws_access_key_id=o\naws_secret_access_key=p\n").unwrap();
        assert_eq!(first.key, "o");
        assert_eq!(Credentials::of_text("[default]\naws_access_key_id = k\n"), None);
    }

    #[test]
    fn nothing_of_them_is_shown() {
        let secrets = Credentials {
            key: "the-key".to_owned(),
            secret: "s3cret".to_owned(),
            token: Some("t0ken".to_owned()),
        };
        assert_eq!(format!("{secrets:?}"), "Credentials { .. }");
        assert_eq!(secrets.conceal("the-key: s3cret, t0ken"), "***: ***, ***");
    }
}
