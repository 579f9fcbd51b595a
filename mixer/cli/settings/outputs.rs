//! `--output`: what was typed, and what it means.
//!
//! Nothing of a value is shown in an error, as it may be secret: kinds and keys are.

use std::time::Duration;

use indexmap::IndexMap;
use promemu_core::error::{Error, suggestion};
use promemu_run::http::HttpOptions;
use promemu_run::outputs::OutputSettings;
use promemu_run::outputs::file::FileSettings;
use promemu_run::outputs::otlp::OtlpSettings;
use promemu_run::outputs::pushgateway::{GatewaySettings, GatewayUrl, PushSettings};
use promemu_run::outputs::remote_write::RemoteWriteSettings;
use promemu_run::outputs::scrape::ScrapeSettings;
use promemu_wire::exposition::Format;

use super::positive;

/// An output as it was given. What other settings add is not there yet.
#[derive(Clone, Debug)]
pub(super) enum GivenOutput {
    Pushgateway {
        /// That of `--pushgateway-url`, if `None`.
        url: Option<GatewayUrl>,
        http: Box<HttpOptions>,
        timeout: Option<Duration>,
        format: Option<Format>,
    },
    Scrape(Box<ScrapeSettings>),
    RemoteWrite {
        settings: Box<RemoteWriteSettings>,
        timeout: Option<Duration>,
    },
    Otlp {
        settings: Box<OtlpSettings>,
        timeout: Option<Duration>,
    },
    File(FileSettings),
}

/// What outputs have in common.
pub(super) struct Common<'a> {
    /// The url of a Pushgateway that is given without one.
    pub(super) gateway_url: &'a dyn Fn() -> Result<GatewayUrl, Error>,
    /// How long a push may take.
    pub(super) timeout: Duration,
    /// How to push to a Pushgateway.
    pub(super) push: PushSettings,
}

type Options = IndexMap<String, String>;

/// A kind of output: what stands behind it, and how it is read. Keys of its own come before those that all
/// HTTP clients have.
struct Kind {
    name: &'static str,
    keys: &'static [&'static str],
    is_http: bool,
    read: fn(Option<&str>, &mut Options) -> Result<GivenOutput, Error>,
}

const KINDS: [Kind; 5] = [
    Kind { name: "pushgateway", keys: &["format", "timeout"], is_http: true, read: read_pushgateway },
    Kind { name: "scrape", keys: &SERVER_KEYS, is_http: false, read: read_scrape },
    Kind {
        name: "remote-write",
        keys: &["version", "timeout", "shards", "batch_samples", "queue_samples", "queue_mib"],
        is_http: true,
        read: read_remote_write,
    },
    Kind {
        name: "otlp",
        keys: &["timeout", "shards", "batch_samples", "queue_samples", "queue_mib"],
        is_http: true,
        read: read_otlp,
    },
    Kind { name: "file", keys: &["format"], is_http: false, read: read_file },
];

/// What a server has of [`HttpOptions`]: what clients are to show, and by what they know it.
const SERVER_KEYS: [&str; 8] = [
    "user",
    "password_file",
    "password_env",
    "bearer_file",
    "bearer_env",
    "cert_file",
    "key_file",
    "ca_file",
];

/// Reads all outputs. The variable gives them as one text, separated by blanks; a flag gives one at a time,
/// which may hold blanks.
pub(super) fn read_outputs(given: &[String]) -> Result<Vec<GivenOutput>, Error> {
    let begins_output =
        |word: &str| KINDS.iter().any(|kind| kind.name == word.split(['=', ',']).next().unwrap_or(""));
    let are_many = given.len() == 1 && given[0].split_whitespace().all(begins_output);
    let words: Vec<&str> = if are_many {
        given[0].split_whitespace().collect()
    } else {
        given.iter().map(|word| word.trim()).collect()
    };
    words.into_iter().map(read_output).collect()
}

fn read_output(word: &str) -> Result<GivenOutput, Error> {
    let mut parts = split_at_commas(word).into_iter();
    let first = parts.next().unwrap_or_default();
    let (name, target) = match first.split_once('=') {
        Some((name, target)) => (name, Some(target).filter(|target| !target.is_empty())),
        None => (first.as_str(), None),
    };
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        // A name with other characters may be a url with a password.
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let hint = suggestion(if is_name { name } else { "" }, &KINDS.map(|kind| kind.name));
        let name = if is_name { format!(" {name:?}") } else { String::new() };
        return Err(wrong(&format!("there is no output{name}{hint}")));
    };
    let in_output = |error| match error {
        Error::Usage(text) => wrong(&format!("{name}: {text}")),
        Error::System { what, source } => Error::System { what: format!("--output {name}: {what}"), source },
        other => other,
    };
    let mut options = Options::new();
    for part in parts {
        let Some((key, value)) = part.split_once('=') else {
            return Err(wrong(&format!(
                "{name}: an option is not of the form KEY=VALUE; a comma inside of a value is written twice"
            )));
        };
        let key = if key.starts_with("header.") { key.to_owned() } else { key.replace('-', "_") };
        if options.insert(key.clone(), value.to_owned()).is_some() {
            return Err(wrong(&format!("{name}: option {key:?} is there twice")));
        }
    }
    let output = (kind.read)(target, &mut options).map_err(in_output)?;
    match options.keys().next() {
        None => Ok(output),
        Some(key) => {
            let of_http = HttpOptions::KEYS.iter().map(|(key, _)| *key).filter(|_| kind.is_http);
            let known: Vec<&str> = kind.keys.iter().copied().chain(of_http).collect();
            Err(wrong(&format!("{name} has no option {key:?}{}", suggestion(key, &known))))
        }
    }
}

fn wrong(why: &str) -> Error {
    Error::Usage(format!("--output or PME_OUTPUT: {why}"))
}

/// The parts between commas; two commas are one of a part's own.
fn split_at_commas(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, parts.last_mut()) {
            (',', _) if chars.peek() != Some(&',') => parts.push(String::new()),
            (',', Some(part)) => {
                part.push(',');
                chars.next();
            }
            (other, Some(part)) => part.push(other),
            (_, None) => {}
        }
    }
    parts
}

fn read_pushgateway(target: Option<&str>, options: &mut Options) -> Result<GivenOutput, Error> {
    let http = Box::new(HttpOptions::take_from(options)?);
    let format = take_format(options, &[PROTOBUF, TEXT])?;
    let url = target.map(GatewayUrl::parse).transpose()?;
    Ok(GivenOutput::Pushgateway { url, http, timeout: take_timeout(options)?, format })
}

fn read_scrape(target: Option<&str>, options: &mut Options) -> Result<GivenOutput, Error> {
    let (host, port) = target
        .and_then(|target| target.rsplit_once(':'))
        .and_then(|(host, port)| Some((host, port.parse().ok()?)))
        .filter(|(host, _)| !host.is_empty() && !host.contains('/'))
        .ok_or_else(|| {
            Error::Usage("the target must be HOST:PORT, as in scrape=127.0.0.1:9464".to_owned())
        })?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let own = SERVER_KEYS.into_iter().chain(["password", "bearer"]);
    let mut of_server: Options =
        own.filter_map(|key| Some((key.to_owned(), options.shift_remove(key)?))).collect();
    let needs_certificate = of_server.contains_key("ca_file") && !of_server.contains_key("cert_file");
    if needs_certificate {
        return Err(Error::Usage(
            "ca_file is for clients with certificates, which needs cert_file".to_owned(),
        ));
    }
    let http = HttpOptions::take_for_server(&mut of_server)?;
    Ok(GivenOutput::Scrape(Box::new(ScrapeSettings { host, port, http, is_embedded: false })))
}

fn read_remote_write(target: Option<&str>, options: &mut Options) -> Result<GivenOutput, Error> {
    let timeout = take_timeout(options)?;
    let settings = Box::new(RemoteWriteSettings::take_from(target.unwrap_or_default(), options)?);
    Ok(GivenOutput::RemoteWrite { settings, timeout })
}

fn read_otlp(target: Option<&str>, options: &mut Options) -> Result<GivenOutput, Error> {
    let timeout = take_timeout(options)?;
    let settings = Box::new(OtlpSettings::take_from(target.unwrap_or_default(), options)?);
    Ok(GivenOutput::Otlp { settings, timeout })
}

fn read_file(target: Option<&str>, options: &mut Options) -> Result<GivenOutput, Error> {
    let missing = || {
        Error::Usage(
            "the target must be a path, as in file=metrics.prom, or - for standard output".to_owned(),
        )
    };
    let path = target.ok_or_else(missing)?.into();
    let format = take_format(options, &[PROTOBUF, TEXT, OPENMETRICS])?.unwrap_or(Format::Text);
    Ok(GivenOutput::File(FileSettings { path, format }))
}

const PROTOBUF: (&str, Format) = ("protobuf", Format::Protobuf);
const TEXT: (&str, Format) = ("text", Format::Text);
const OPENMETRICS: (&str, Format) = ("openmetrics", Format::OpenMetrics);

/// The format, if one is given, of those that there are.
fn take_format(options: &mut Options, known: &[(&str, Format)]) -> Result<Option<Format>, Error> {
    let Some(given) = options.shift_remove("format") else { return Ok(None) };
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let format = known.iter().find(|(name, _)| *name == given).map(|(_, format)| *format);
    let unknown = || Error::Usage(format!("there is no format {given:?}{}", suggestion(&given, &names)));
    format.ok_or_else(unknown).map(Some)
}

fn take_timeout(options: &mut Options) -> Result<Option<Duration>, Error> {
    let timeout = options.shift_remove("timeout");
    timeout.map(|text| Ok(positive("timeout", &text)?.duration())).transpose()
}

impl GivenOutput {
    /// Whether it is the Pushgateway of `--pushgateway-url`.
    pub(super) const fn needs_gateway_url(&self) -> bool {
        matches!(self, Self::Pushgateway { url: None, .. })
    }

    /// The output, with what it does not say itself.
    pub(super) fn resolve(&self, common: &Common<'_>) -> Result<OutputSettings, Error> {
        Ok(match self {
            Self::Pushgateway { url, http, timeout, format } => {
                let url = url.clone().map_or_else(common.gateway_url, Ok)?;
                let push = common.push.clone();
                let push = PushSettings { format: format.unwrap_or(push.format), ..push };
                let timeout = timeout.unwrap_or(common.timeout);
                let http = HttpOptions::clone(http);
                OutputSettings::Pushgateway(Box::new(GatewaySettings { url, http, timeout, push }))
            }
            Self::Scrape(scrape) => OutputSettings::Scrape(scrape.clone()),
            Self::RemoteWrite { settings, timeout } => {
                let timeout = timeout.unwrap_or(common.timeout);
                let settings = RemoteWriteSettings { timeout, ..RemoteWriteSettings::clone(settings) };
                OutputSettings::RemoteWrite(Box::new(settings))
            }
            Self::Otlp { settings, timeout } => {
                let timeout = timeout.unwrap_or(common.timeout);
                OutputSettings::Otlp(Box::new(OtlpSettings { timeout, ..OtlpSettings::clone(settings) }))
            }
            Self::File(file) => OutputSettings::File(file.clone()),
        })
    }
}

/// Refuses outputs that go to the same place.
pub(super) fn refuse_twins(outputs: &[OutputSettings]) -> Result<(), Error> {
    let names: Vec<String> = outputs.iter().map(OutputSettings::name).collect();
    let twin = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    twin.map_or(Ok(()), |(_, name)| Err(wrong(&format!("{name} is there twice; give each output once"))))
}
