//! Options of HTTP clients and servers: user and password, token, headers, certificates.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Identity};

use promemu_core::error::Error;
use promemu_core::{text_file, user_file};

/// Credentials and certificates. Files and variables are read once, at the start.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpOptions {
    headers: HeaderMap,
    ca_certificates: Option<Vec<u8>>,
    identity: Option<Vec<u8>>,
    skips_verification: bool,
    /// Texts that are never shown.
    secrets: Vec<String>,
}

impl HttpOptions {
    /// The keys that [`Self::take_from`] knows, each with its meaning.
    pub const KEYS: [(&str, &str); 11] = [
        ("user", "the name for basic authentication"),
        ("password_file", "a file with the password"),
        ("password_env", "the variable with the password"),
        ("bearer_file", "a file with a bearer token"),
        ("bearer_env", "the variable with a bearer token"),
        ("header.NAME", "one more header, as in header.X-Scope-OrgID=team-1"),
        ("headers_file", "a file with more headers, one NAME: VALUE a line, for those that are secret"),
        ("ca_file", "a PEM file with the only authorities to trust, or with the server's very certificate"),
        ("insecure_skip_verify", "true to take any certificate of the server, which a warning tells"),
        ("cert_file", "a PEM file with the certificate to show"),
        ("key_file", "a PEM file with that certificate's key"),
    ];

    /// Takes its keys out of an output's options and leaves the others. Files and variables are read now.
    pub fn take_from(options: &mut IndexMap<String, String>) -> Result<Self, Error> {
        let mut own = Self::default();
        let names: Vec<String> = options.keys().filter(|key| key.starts_with("header.")).cloned().collect();
        for key in names {
            let value = options.shift_remove(&key).unwrap_or_default();
            own.add_header(&key["header.".len()..], &value, false)?;
        }
        if let Some(path) = options.shift_remove("headers_file") {
            own.add_headers_of("headers_file", &path)?;
        }
        let user = options.shift_remove("user");
        let password = secret(options, "password")?;
        let bearer = secret(options, "bearer")?;
        own.authorize(user, password, bearer)?;
        if let Some(path) = options.shift_remove("ca_file") {
            let pem = read_pem("ca_file", &path)?;
            if !Certificate::from_pem_bundle(&pem).is_ok_and(|certificates| !certificates.is_empty()) {
                return Err(usage(format!("ca_file {path:?} has no PEM certificate")));
            }
            own.ca_certificates = Some(pem);
        }
        own.skips_verification = match options.shift_remove("insecure_skip_verify").as_deref() {
            None | Some("false") => false,
            Some("true") if own.ca_certificates.is_none() => true,
            Some("true") => return Err(usage("insecure_skip_verify and ca_file exclude each other")),
            Some(_) => return Err(usage("insecure_skip_verify must be true or false")),
        };
        let (certificate, key) = (options.shift_remove("cert_file"), options.shift_remove("key_file"));
        own.identity = match (certificate, key) {
            (Some(certificate), key) => Some(identity(&certificate, key.as_deref())?),
            (None, Some(_)) => return Err(usage("key_file needs cert_file beside it")),
            (None, None) => None,
        };
        Ok(own)
    }

    /// Those of credentials that are in files of another form: a bearer token, authorities to trust, and a certificate with its
    /// key, in PEM.
    pub fn of_parts(
        bearer: Option<String>,
        authorities: Option<Vec<u8>>,
        identity: Option<Vec<u8>>,
        skips_verification: bool,
    ) -> Result<Self, Error> {
        let mut own = Self::default();
        own.authorize(None, None, bearer)?;
        let is_pem = |pem: &[u8]| Certificate::from_pem_bundle(pem).is_ok_and(|found| !found.is_empty());
        if authorities.as_deref().is_some_and(|pem| !is_pem(pem)) {
            return Err(usage("the certificate of the server's authority is no PEM certificate"));
        }
        if identity.as_deref().is_some_and(|pem| Identity::from_pem(pem).is_err()) {
            return Err(usage("the client's certificate and key are no PEM certificate and PEM key"));
        }
        own.skips_verification = skips_verification && authorities.is_none();
        (own.ca_certificates, own.identity) = (authorities, identity);
        Ok(own)
    }

    /// The same for a server, whose clients show its user and password: a user without a password would give access to
    /// anyone who knows the name.
    pub fn take_for_server(options: &mut IndexMap<String, String>) -> Result<Self, Error> {
        let has_password = ["password_file", "password_env"].iter().any(|key| options.contains_key(*key));
        if options.contains_key("user") && !has_password && !options.contains_key("password") {
            return Err(usage("user needs password_file or password_env beside it"));
        }
        Self::take_from(options)
    }

    fn authorize(
        &mut self,
        user: Option<String>,
        password: Option<String>,
        bearer: Option<String>,
    ) -> Result<(), Error> {
        self.secrets.extend(password.iter().chain(&bearer).cloned());
        let credentials = match (user, password, bearer) {
            (None, None, None) => return Ok(()),
            (None, None, Some(token)) => format!("Bearer {token}"),
            (Some(user), password, None) if !user.contains(':') => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.unwrap_or_default())))
            }
            (Some(_), _, None) => return Err(usage("user must not have a colon")),
            (None, Some(_), None) => return Err(usage("a password needs user beside it")),
            (_, _, Some(_)) => return Err(usage("a bearer token and a user or password exclude each other")),
        };
        if self.headers.contains_key(AUTHORIZATION) {
            return Err(usage(
                "headers_file has an Authorization header, which excludes user and bearer token",
            ));
        }
        self.add_header(AUTHORIZATION.as_str(), &credentials, true)
    }

    fn add_headers_of(&mut self, key: &str, path: &str) -> Result<(), Error> {
        let text = text(key, path)?;
        for (line, header) in (1..).zip(text.lines()) {
            if header.trim().is_empty() || header.starts_with('#') {
                continue;
            }
            let Some((name, value)) = header.split_once(':') else {
                return Err(usage(format!("{key} {path:?}, line {line}: write a header as NAME: VALUE")));
            };
            self.add_header(name.trim(), value.trim(), true)?;
        }
        Ok(())
    }

    fn add_header(&mut self, name: &str, text: &str, is_from_file: bool) -> Result<(), Error> {
        let Ok(header) = HeaderName::try_from(name) else {
            return Err(usage(format!("{name:?} cannot be a header's name")));
        };
        if !is_from_file && matches!(header.as_str(), "authorization" | "cookie" | "proxy-authorization") {
            return Err(usage(format!(
                "the header {name:?} is a secret, which anyone could read in the list of processes; use \
                 headers_file, bearer_file or user and password_file"
            )));
        }
        if matches!(header.as_str(), "content-type" | "content-encoding" | "content-length" | "host")
            || header.as_str().starts_with("x-prometheus-remote-write-")
        {
            return Err(usage(format!("the header {name:?} is set by promemu itself")));
        }
        let Ok(mut value) = HeaderValue::try_from(text) else {
            return Err(usage(format!(
                "the value of header {name:?} has characters that no header may have"
            )));
        };
        value.set_sensitive(true);
        if is_from_file {
            let shown =
                text.split_once(' ').filter(|_| header == AUTHORIZATION).map_or(text, |(_, shown)| shown);
            self.secrets.push(shown.to_owned());
        }
        if self.headers.insert(header, value).is_some() {
            return Err(usage(format!("the header {name:?} is there twice")));
        }
        Ok(())
    }

    /// `true` if requests carry credentials.
    pub(super) fn has_credentials(&self) -> bool {
        self.headers.contains_key(AUTHORIZATION)
    }

    /// The `Authorization` that a server expects of its clients.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.headers.get(AUTHORIZATION)
    }

    /// Texts that are never shown.
    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    pub(super) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    pub(crate) fn ca_certificates(&self) -> Option<&[u8]> {
        self.ca_certificates.as_deref()
    }

    /// `true` if any certificate of the server is taken.
    pub(super) const fn skips_verification(&self) -> bool {
        self.skips_verification
    }

    pub(crate) fn identity(&self) -> Option<&[u8]> {
        self.identity.as_deref()
    }
}

/// Shows names, never values.
impl std::fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpOptions")
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
            .field("has_ca_certificates", &self.ca_certificates.is_some())
            .field("has_identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

fn usage(text: impl Into<String>) -> Error {
    Error::Usage(text.into())
}

/// The secret of `NAME_file` or `NAME_env`.
fn secret(options: &mut IndexMap<String, String>, name: &str) -> Result<Option<String>, Error> {
    if options.contains_key(name) {
        return Err(usage(format!(
            "{name} could be read by anyone in the list of processes; use {name}_file or {name}_env"
        )));
    }
    let (file, env) = (format!("{name}_file"), format!("{name}_env"));
    match (options.shift_remove(&file), options.shift_remove(&env)) {
        (None, None) => Ok(None),
        (Some(path), None) => Ok(Some(text(&file, &path)?.trim_end_matches(['\r', '\n']).to_owned())),
        (None, Some(variable)) => match std::env::var(&variable) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(usage(format!("{env}: there is no variable {variable:?}, or it is not UTF-8"))),
        },
        (Some(_), Some(_)) => Err(usage(format!("{file} and {env} exclude each other"))),
    }
}

fn read(key: &str, path: &str) -> Result<Vec<u8>, Error> {
    let unreadable = |error| {
        let remedy = user_file::remedy(&error, "check its path and mode");
        usage(format!("{key} {path:?} cannot be read ({error}){remedy}"))
    };
    user_file::read(Path::new(path), user_file::SMALL_BYTES_MAX).map_err(unreadable)
}

fn text(key: &str, path: &str) -> Result<String, Error> {
    text_file::text_of(read(key, path)?).map_err(|error| usage(format!("{key} {path:?}: {error}")))
}

fn read_pem(key: &str, path: &str) -> Result<Vec<u8>, Error> {
    Ok(text_file::bytes_without_mark(&read(key, path)?).to_vec())
}

/// A certificate and its key, which may be in one file.
fn identity(certificate: &str, key: Option<&str>) -> Result<Vec<u8>, Error> {
    let mut pem = read_pem("cert_file", certificate)?;
    if let Some(key) = key {
        pem.push(b'\n');
        pem.extend(read_pem("key_file", key)?);
    }
    if Identity::from_pem(&pem).is_err() {
        let files =
            key.map_or_else(|| format!("{certificate:?}"), |key| format!("{certificate:?} and {key:?}"));
        return Err(usage(format!("{files}: a PEM certificate and its PEM key are expected")));
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(options: &[(&str, &str)]) -> (Result<HttpOptions, Error>, Vec<String>) {
        let mut options =
            options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let taken = HttpOptions::take_from(&mut options);
        (taken, options.into_keys().collect())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn secrets_come_from_files_and_are_never_shown() {
        let (password, headers) = (file("s3cret\n"), file("X-Key: s3cret\n\n# note\nX-Other: 1\n"));
        let (password, headers) = (password.path().to_str().unwrap(), headers.path().to_str().unwrap());
        let (taken, left) = take(&[
            ("version", "2"),
            ("user", "me"),
            ("password_file", password),
            ("headers_file", headers),
            ("header.X-Scope-OrgID", "team-1"),
        ]);
        let taken = taken.unwrap();
        assert_eq!(left, ["version"]);
        assert_eq!(taken.headers()[AUTHORIZATION], "Basic bWU6czNjcmV0");
        assert_eq!(taken.headers()["x-scope-orgid"], "team-1");
        assert_eq!(taken.headers()["x-key"], "s3cret");
        let shown = format!("{taken:?}");
        assert!(!shown.contains("s3cret") && shown.contains("authorization"), "{shown}");
        assert_eq!(taken.secrets(), ["s3cret", "1", "s3cret", "bWU6czNjcmV0"], "a typed header is no secret");
        let (taken, _) = take(&[("bearer_file", password)]);
        assert_eq!(taken.unwrap().headers()[AUTHORIZATION], "Bearer s3cret");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_secret_or_a_certificate() {
        let tls = |name: &str| {
            let folder = env!("CARGO_MANIFEST_DIR");
            std::fs::read_to_string(format!("{folder}/../../tests/tls/{name}.pem")).unwrap()
        };
        let marked = |text: &str| file(&format!("\u{feff}{text}"));
        let files = [
            ("bearer_file", marked("s3cret")),
            ("headers_file", marked("X-Key: 5")),
            ("ca_file", marked(&tls("ca"))),
            ("cert_file", marked(&tls("certificate"))),
            ("key_file", marked(&tls("key"))),
        ];
        let options: Vec<(&str, &str)> =
            files.iter().map(|(key, file)| (*key, file.path().to_str().unwrap())).collect();
        let taken = take(&options).0.unwrap();
        assert_eq!(taken.headers()[AUTHORIZATION], "Bearer s3cret");
        assert_eq!(taken.headers()["x-key"], "5");
    }

    #[test]
    fn invalid_options_are_refused_without_showing_secrets() {
        let (password, no_pem) = (file("s3cret"), file("no pem"));
        let (password, no_pem) = (password.path().to_str().unwrap(), no_pem.path().to_str().unwrap());
        for (options, complaint) in [
            (&[("password", "s3cret")][..], "use password_file or password_env"),
            (&[("password_file", password)], "needs user"),
            (&[("user", "a:b")], "colon"),
            (&[("user", "me"), ("bearer_file", password)], "exclude each other"),
            (&[("bearer_file", password), ("bearer_env", "X")], "exclude each other"),
            (&[("bearer_env", "PROMEMU_NO_SUCH_VARIABLE")], "no variable"),
            (&[("bearer_file", "/no/such/file")], "cannot be read"),
            (&[("header.Authorization", "s3cret")], "headers_file"),
            (&[("header.Content-Type", "x")], "promemu itself"),
            (&[("header.a b", "x")], "cannot be a header's name"),
            (&[("headers_file", password)], "line 1"),
            (&[("ca_file", no_pem)], "no PEM certificate"),
            (&[("cert_file", no_pem), ("key_file", password)], "a PEM certificate and its PEM key"),
            (&[("key_file", no_pem)], "needs cert_file"),
        ] {
            let error = take(options).0.unwrap_err().to_string();
            assert!(error.contains(complaint) && !error.contains("s3cret"), "{complaint}: {error}");
        }
    }
}
