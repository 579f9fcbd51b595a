//! Settings of the bus.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use promemu_core::error::Error;
use reqwest::Url;

/// The schemes of NATS servers.
const SCHEMES: [&str; 2] = ["nats", "tls"];

/// The address of a NATS server. Passwords and tokens in it are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BusServer(Url);

impl BusServer {
    /// The whole URL, with its secrets.
    pub(super) fn url(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for BusServer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).ok().filter(|url| SCHEMES.contains(&url.scheme()) && url.has_host());
        // The text may have a password.
        url.map(Self).ok_or_else(|| {
            Error::Usage(
                "--bus or PME_BUS is no address of a NATS server; write nats://HOST:PORT, or tls://HOST:PORT"
                    .to_owned(),
            )
        })
    }
}

impl fmt::Display for BusServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port().unwrap_or(4222);
        write!(f, "{}://{}:{port}", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for BusServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name by which the shards of a run find each other: letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName(String);

impl RunName {
    /// The name made of a config's, whose other characters become `_`.
    #[must_use]
    pub fn of_config(config: &str) -> Self {
        let name: String = config.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
        Self(if name.is_empty() { "run".to_owned() } else { name })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.len() > 100 || !text.chars().all(is_allowed) {
            return Err(Error::Usage(format!(
                "--run-name or PME_RUN_NAME: {text:?} is no name of a run; write up to 100 letters, digits, - and _"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// The bus of a run.
#[derive(Clone, Debug)]
pub struct BusSettings {
    /// The server.
    pub server: BusServer,
    /// A file with the credentials of a NATS user, as `nsc` writes them.
    pub credentials: Option<PathBuf>,
    /// A file with the certificates that sign the server's.
    pub ca: Option<PathBuf>,
    /// The run's name on the bus.
    pub run: RunName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_is_shown_without_its_password() {
        let server: BusServer = "nats://user:secret@broker:4333".parse().unwrap();
        assert_eq!(
            (server.to_string(), format!("{server:?}")),
            ("nats://broker:4333".into(), "nats://broker:4333".into())
        );
        for bad in ["broker:4222", "http://broker", "nats:", "secret"] {
            let error = bad.parse::<BusServer>().unwrap_err().to_string();
            assert!(error.contains("nats://HOST:PORT") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_run_is_called_by_what_fits_into_a_subject() {
        assert_eq!(RunName::of_config("shop.v2/a").as_str(), "shop_v2_a");
        for bad in ["", "a.b", "a b", ">", "*"] {
            assert!(bad.parse::<RunName>().is_err(), "{bad}");
        }
    }
}
