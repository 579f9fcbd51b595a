//! `--output`: the text as it was typed ([`OutputArg`]), and the settings it means.
//!
//! An error shows no value, as it may be secret: it shows kinds and keys.

use std::net::SocketAddr;
use std::time::Duration;

use indexmap::IndexMap;
use promemu_core::error::{Error, suggestion};
use promemu_run::http::HttpOptions;
use promemu_run::outputs::file::FileSettings;
use promemu_run::outputs::otlp::OtlpSettings;
use promemu_run::outputs::pushgateway::{GatewayArg, GatewaySettings, GatewayUrl, PushSettings};
use promemu_run::outputs::remote_write::RemoteWriteSettings;
use promemu_run::outputs::scrape::ScrapeSettings;
use promemu_run::outputs::{DeliverySettings, OutputSettings};

use promemu_wire::export::Format;

use super::interval;
use crate::args::OUTPUT_KINDS;

/// An output as it was typed.
#[derive(Clone, Debug)]
pub(super) enum OutputArg {
    /// A Pushgateway, whose missing settings come from other flags and the config.
    Pushgateway(Box<GatewayArg>),
    /// Any other output, complete.
    Complete(OutputSettings),
}

/// Settings of a Pushgateway that come from other flags and the config.
pub(super) struct GatewayDefaults<'a> {
    pub(super) url: &'a dyn Fn() -> Result<GatewayUrl, Error>,
    pub(super) push: PushSettings,
}

type Options = IndexMap<String, String>;
type Parse = fn(Option<&str>, &mut Options, Duration) -> Result<OutputArg, Error>;

/// A kind of output.
struct Kind {
    name: &'static str,
    /// Its keys, in addition to those of all HTTP clients.
    keys: &'static [&'static [&'static str]],
    is_http_client: bool,
    parse: Parse,
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "pushgateway",
        keys: &[&GatewayArg::KEYS, &["timeout"]],
        is_http_client: true,
        parse: |target, options, timeout| {
            Ok(OutputArg::Pushgateway(Box::new(GatewayArg::take_from(target, options, timeout)?)))
        },
    },
    Kind {
        name: "scrape",
        keys: &[&ScrapeSettings::KEYS],
        is_http_client: false,
        parse: |target, options, _| {
            let settings = Box::new(ScrapeSettings::take_from(target, options)?);
            Ok(OutputArg::Complete(OutputSettings::Scrape(settings)))
        },
    },
    Kind {
        name: "remote-write",
        keys: &[&RemoteWriteSettings::KEYS, &["timeout"], &DeliverySettings::KEYS],
        is_http_client: true,
        parse: |target, options, timeout| {
            let target = target.unwrap_or_default();
            let settings = Box::new(RemoteWriteSettings::take_from(target, options, timeout)?);
            Ok(OutputArg::Complete(OutputSettings::RemoteWrite(settings)))
        },
    },
    Kind {
        name: "otlp",
        keys: &[&["timeout"], &DeliverySettings::KEYS],
        is_http_client: true,
        parse: |target, options, timeout| {
            let target = target.unwrap_or_default();
            let settings = Box::new(OtlpSettings::take_from(target, options, timeout)?);
            Ok(OutputArg::Complete(OutputSettings::Otlp(settings)))
        },
    },
    Kind {
        name: "file",
        keys: &[&FileSettings::KEYS],
        is_http_client: false,
        parse: |target, options, _| {
            Ok(OutputArg::Complete(OutputSettings::File(FileSettings::take_from(target, options)?)))
        },
    },
];

/// The names of all kinds of outputs.
pub(crate) fn output_kinds() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

/// Parses all outputs. The variable has them in one text, separated by blanks; a flag has one, which may contain
/// blanks. Requests take `timeout` at most, unless an output says otherwise.
pub(super) fn parse_outputs(typed: &[String], timeout: Duration) -> Result<Vec<OutputArg>, Error> {
    let begins_output =
        |word: &str| KINDS.iter().any(|kind| kind.name == word.split(['=', ',']).next().unwrap_or(""));
    let are_many = typed.len() == 1 && typed[0].split_whitespace().all(begins_output);
    let words: Vec<&str> = if are_many {
        typed[0].split_whitespace().collect()
    } else {
        typed.iter().map(|word| word.trim()).collect()
    };
    words.into_iter().map(|word| parse_output(word, timeout)).collect()
}

fn parse_output(word: &str, timeout: Duration) -> Result<OutputArg, Error> {
    let mut parts = split_at_commas(word).into_iter();
    let first = parts.next().unwrap_or_default();
    let (name, target) = match first.split_once('=') {
        Some((name, target)) => (name, Some(target).filter(|target| !target.is_empty())),
        None => (first.as_str(), None),
    };
    let kind = kind(name)?;
    let mut options = options(name, parts)?;
    let in_output = |error| match error {
        Error::Usage(text) => invalid(&format!("{name}: {text}")),
        Error::System { what, source } => Error::System { what: format!("--output {name}: {what}"), source },
        other => other,
    };
    let timeout = if kind.keys.contains(&["timeout"].as_slice()) {
        take_timeout(&mut options).map_err(in_output)?.unwrap_or(timeout)
    } else {
        timeout
    };
    let output = (kind.parse)(target, &mut options, timeout).map_err(in_output)?;
    match options.keys().next() {
        None => Ok(output),
        Some(key) => {
            let of_http = HttpOptions::KEYS.iter().map(|(key, _)| *key).filter(|_| kind.is_http_client);
            let known: Vec<&str> = kind.keys.concat().into_iter().chain(of_http).collect();
            Err(invalid(&format!("{name} has no option {key:?}{}", suggestion(key, &known))))
        }
    }
}

fn kind(name: &str) -> Result<&'static Kind, Error> {
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        // A name with other characters may be a url with a password.
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let hint = meant_output(name).map_or_else(
            || suggestion(if is_name { name } else { "" }, &OUTPUT_KINDS),
            |meant| format!("; {meant}"),
        );
        let name = if is_name { format!(" {name:?}") } else { String::new() };
        invalid(&format!("unknown output{name}{hint}"))
    })
}

/// Outputs as they are called elsewhere, and what to write.
const OUTPUT_SYNONYMS: [(&[&str], &str); 5] = [
    (
        &["prometheus", "prom", "exporter", "metrics"],
        "write scrape=127.0.0.1:9464 for pages that Prometheus scrapes, or remote-write=URL to send to it",
    ),
    (&["otel", "opentelemetry"], "write otlp=URL"),
    (&["gateway", "push", "pgw"], "write pushgateway=URL"),
    (&["mimir", "thanos", "cortex", "victoriametrics", "rw"], "write remote-write=URL"),
    (
        &["stdout", "-", "console"],
        "promemu export NAME prints samples, and promemu run NAME --once first values",
    ),
];

/// The output that is meant by another word, by a file's name or by an address without its kind.
fn meant_output(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    if let Some((_, meant)) = OUTPUT_SYNONYMS.iter().find(|(words, _)| words.contains(&&*lower)) {
        return Some((*meant).to_owned());
    }
    if let Some((kind, target)) = word.split_once(':').filter(|(kind, _)| OUTPUT_KINDS.contains(kind)) {
        let target = if target.parse::<SocketAddr>().is_ok() { target } else { "…" };
        return Some(format!("write {kind}={target}, with an equals sign"));
    }
    if word.contains("://") {
        return Some("for a URL write pushgateway=URL, remote-write=URL or otlp=URL".to_owned());
    }
    if is_file_name(word) {
        return Some(format!("for a file write file={word}"));
    }
    // A port alone, or an address of digits, is no secret.
    let port = word.strip_prefix(':').unwrap_or(word).parse::<u16>();
    let address = port.map(|port| format!("127.0.0.1:{port}"));
    let address = address.ok().or_else(|| word.parse::<SocketAddr>().ok().map(|address| address.to_string()));
    address.map(|address| format!("to serve the metrics there write scrape={address}"))
}

/// `true` for the name of a file of samples, which is no url.
fn is_file_name(name: &str) -> bool {
    !name.contains([':', '@']) && Format::of_path(name.as_ref()).is_some()
}

fn options(name: &str, parts: impl Iterator<Item = String>) -> Result<Options, Error> {
    let mut options = Options::new();
    for part in parts {
        let Some((key, value)) = part.split_once('=') else {
            return Err(invalid(&format!(
                "{name}: an option is not of the form KEY=VALUE; write a comma inside of a value twice"
            )));
        };
        let key = if key.starts_with("header.") { key.to_owned() } else { key.replace('-', "_") };
        if options.insert(key.clone(), value.to_owned()).is_some() {
            return Err(invalid(&format!("{name}: option {key:?} is there twice")));
        }
    }
    Ok(options)
}

fn invalid(reason: &str) -> Error {
    Error::Usage(format!("--output or PME_OUTPUT: {reason}"))
}

/// The parts between commas; two commas are one comma of a part.
pub(super) fn split_at_commas(text: &str) -> Vec<String> {
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

fn take_timeout(options: &mut Options) -> Result<Option<Duration>, Error> {
    let timeout = options.shift_remove("timeout");
    timeout.map(|text| Ok(interval("timeout", &text)?.duration())).transpose()
}

impl OutputArg {
    /// The settings of a receiver of remote write.
    pub(super) fn remote_write(&self) -> Option<&RemoteWriteSettings> {
        match self {
            Self::Complete(OutputSettings::RemoteWrite(settings)) => Some(settings),
            _ => None,
        }
    }

    /// `true` for pages to be scraped.
    pub(super) const fn is_scrape(&self) -> bool {
        matches!(self, Self::Complete(OutputSettings::Scrape(_)))
    }

    /// `true` for the Pushgateway of `--pushgateway-url`.
    pub(super) fn needs_gateway_url(&self) -> bool {
        matches!(self, Self::Pushgateway(gateway) if gateway.url.is_none())
    }

    /// The settings that the text means.
    pub(super) fn settings(&self, defaults: &GatewayDefaults<'_>) -> Result<OutputSettings, Error> {
        match self {
            Self::Complete(settings) => Ok(settings.clone()),
            Self::Pushgateway(gateway) => {
                let GatewayArg { url, http, timeout, format } = GatewayArg::clone(gateway);
                let url = url.map_or_else(defaults.url, Ok)?;
                let push = defaults.push.clone();
                let push = PushSettings { format: format.unwrap_or(push.format), ..push };
                Ok(OutputSettings::Pushgateway(Box::new(GatewaySettings { url, http, timeout, push })))
            }
        }
    }
}

/// Refuses two outputs with the same target.
pub(super) fn refuse_twins(outputs: &[OutputSettings]) -> Result<(), Error> {
    let names: Vec<String> = outputs.iter().map(OutputSettings::name).collect();
    let twin = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    twin.map_or(Ok(()), |(_, name)| Err(invalid(&format!("{name} is there twice; give each output once"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_every_kind_of_output() {
        assert_eq!(KINDS.map(|kind| kind.name), OUTPUT_KINDS);
    }
}
