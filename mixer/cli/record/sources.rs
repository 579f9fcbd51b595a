//! Sources as flags and files name them, and their inputs.

use std::path::PathBuf;

use promemu_core::config::parse_size;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_run::http::{HttpOptions, TargetUrl, listen_address};
use promemu_run::inputs::block_files::BlockFiles;
use promemu_run::inputs::dump_file::DumpFile;
use promemu_run::inputs::kubernetes::{ClusterAccess, Kubernetes};
use promemu_run::inputs::range_query::RangeQuery;
use promemu_run::inputs::receive_otlp::ReceiveOtlp;
use promemu_run::inputs::receive_remote_write::ReceiveRemoteWrite;
use promemu_run::inputs::remote_read::RemoteRead;
use promemu_run::inputs::scrape::Scrape;
use promemu_run::inputs::{Input, PastRange, RecordedSource, Selection};

use crate::settings::{interval, moment, positive, server};

/// Length of a slice of a stored source without `--slice`.
const PAST_SLICE: Span = Span::from_secs(3_600);
/// Length of the range without `--from` and `--for`.
const DEFAULT_LENGTH: Span = Span::from_secs(3_600);
const SCRAPE_TIMEOUT: Span = Span::from_secs(10);
const SILENCE: Span = Span::from_secs(120);

/// The kind of a source, with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SourceKind {
    Scrape { targets: Vec<String>, lists: Vec<String> },
    Kubernetes(String),
    RemoteRead(String),
    Query(String),
    Blocks(PathBuf),
    Dump(PathBuf),
    ListenRemoteWrite(String),
    ListenOtlp(String),
}

/// A source as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SourceSpec {
    pub(super) name: String,
    pub(super) kind: SourceKind,
    pub(super) selectors: Vec<String>,
    pub(super) select: Vec<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) length: Option<String>,
    pub(super) interval: String,
    pub(super) step: String,
    pub(super) timeout: Option<String>,
    pub(super) retries: u32,
    pub(super) bandwidth: Option<String>,
    pub(super) slice: Option<String>,
}

impl SourceKind {
    /// The name of a source without one.
    pub(super) const fn default_name(&self) -> &'static str {
        match self {
            Self::Scrape { .. } => "scrape",
            Self::Kubernetes(_) => "kubernetes",
            Self::RemoteRead(_) => "remote_read",
            Self::Query(_) => "query",
            Self::Blocks(_) => "blocks",
            Self::Dump(_) => "dump",
            Self::ListenRemoteWrite(_) => "remote_write",
            Self::ListenOtlp(_) => "otlp",
        }
    }

    /// `true` if the source is asked for series, so that it must be told which.
    const fn needs_selector(&self) -> bool {
        matches!(self, Self::RemoteRead(_) | Self::Query(_))
    }
}

impl SourceSpec {
    /// The source, whose times count from `now`.
    pub(super) fn source(self, now: Time) -> Result<RecordedSource, Error> {
        let selection = Selection::new(&self.selectors, &self.select)
            .map_err(|why| Error::Usage(format!("source {}: {why}", self.name)))?;
        if self.kind.needs_selector() && selection.selectors().is_empty() {
            return Err(Error::Usage(format!(
                "source {}: a Prometheus must be asked for its series; name them with --match, as in '{{job=\"shop\"}}', or \
                 with --select",
                self.name
            )));
        }
        let input = self.input(now)?;
        Ok(RecordedSource { name: self.name, selection, input })
    }

    fn input(&self, now: Time) -> Result<Box<dyn Input>, Error> {
        Ok(match &self.kind {
            SourceKind::Scrape { targets, lists } => Box::new(self.scrape(targets, lists)?),
            SourceKind::Kubernetes(place) => {
                let (interval, timeout) = self.pace()?;
                let (job, labels) = (self.name.clone(), self.labels.clone());
                Box::new(Kubernetes { access: ClusterAccess::read(place)?, job, interval, timeout, labels })
            }
            SourceKind::RemoteRead(text) => {
                let (url, http) = server("--remote-read", text, "http://127.0.0.1:9090")?;
                let (range, silence) = (self.range(now)?, self.silence()?);
                Box::new(RemoteRead {
                    url,
                    http,
                    range,
                    retries: self.retries,
                    silence: silence.duration(),
                    bytes_per_sec: self.bytes_per_sec()?,
                })
            }
            SourceKind::Query(text) => {
                let (url, http) = server("--query", text, "http://127.0.0.1:9090")?;
                let (range, timeout) = (self.range(now)?, self.silence()?.duration());
                let step = interval("--step or PME_RECORD_STEP", &self.step)?;
                Box::new(RangeQuery {
                    url,
                    http,
                    range,
                    step,
                    retries: self.retries,
                    timeout,
                    bytes_per_sec: self.bytes_per_sec()?,
                })
            }
            SourceKind::Blocks(data) => {
                let is_ranged = self.from.is_some() || self.to.is_some() || self.length.is_some();
                let range = is_ranged.then(|| self.range(now)).transpose()?;
                let millis = |time: Time| time.unix_millis().cast_signed();
                let range_ms =
                    range.map_or((i64::MIN, i64::MAX), |range| (millis(range.from), millis(range.to)));
                Box::new(BlockFiles { data: data.clone(), range_ms })
            }
            SourceKind::Dump(path) => Box::new(DumpFile { path: path.clone() }),
            SourceKind::ListenRemoteWrite(text) => {
                Box::new(ReceiveRemoteWrite { address: address("--listen-remote-write", text)? })
            }
            SourceKind::ListenOtlp(text) => {
                Box::new(ReceiveOtlp { address: address("--listen-otlp", text)? })
            }
        })
    }

    fn scrape(&self, targets: &[String], lists: &[String]) -> Result<Scrape, Error> {
        let (interval, timeout) = self.pace()?;
        let mut all: [Vec<TargetUrl>; 2] = Default::default();
        let mut http: Option<HttpOptions> = None;
        for (urls, (flag, texts)) in all.iter_mut().zip([("--scrape", targets), ("--http-sd", lists)]) {
            for text in texts {
                let options = servers(flag, text, urls)?;
                match &http {
                    Some(other) if *other != options => {
                        return Err(Error::Usage(format!(
                            "{flag}: the options of two targets differ; make them two sources of a file, with --sources"
                        )));
                    }
                    _ => http = Some(options),
                }
            }
        }
        let [targets, lists] = all;
        Ok(Scrape {
            job: self.name.clone(),
            targets,
            lists,
            http: http.unwrap_or_default(),
            interval,
            timeout,
            labels: self.labels.clone(),
        })
    }

    /// The interval of a live source, and the time limit of what it does at each.
    fn pace(&self) -> Result<(Span, Span), Error> {
        let interval = interval("--interval or PME_RECORD_INTERVAL", &self.interval)?;
        let timeout = match &self.timeout {
            Some(text) => positive("--timeout or PME_RECORD_TIMEOUT", text)?,
            None => SCRAPE_TIMEOUT,
        };
        Ok((interval, timeout.min(interval)))
    }

    fn silence(&self) -> Result<Span, Error> {
        let flag = "--timeout or PME_RECORD_TIMEOUT";
        self.timeout.as_deref().map_or(Ok(SILENCE), |text| positive(flag, text))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    fn bytes_per_sec(&self) -> Result<Option<u64>, Error> {
        let Some(text) = &self.bandwidth else { return Ok(None) };
        let bytes = parse_size(text).filter(|bytes| *bytes >= 1.0);
        let wrong = || {
            Error::Usage(format!(
                "--bandwidth or PME_RECORD_BANDWIDTH must be a size, as in 1MiB, but is {text:?}"
            ))
        };
        bytes.map(|bytes| Some(bytes as u64)).ok_or_else(wrong)
    }

    /// The range of a stored source.
    fn range(&self, now: Time) -> Result<PastRange, Error> {
        let time =
            |flag, text: &Option<String>| text.as_deref().map(|text| moment(flag, text, now)).transpose();
        let from = time("--from or PME_RECORD_FROM", &self.from)?;
        let to = time("--to or PME_RECORD_TO", &self.to)?;
        let length =
            self.length.as_deref().map(|text| positive("--for or PME_RECORD_FOR", text)).transpose()?;
        let (from, to) = match (from, to, length) {
            (Some(_), Some(_), Some(_)) => {
                let message = "--from, --to and --for exclude each other; give two of them";
                return Err(Error::Usage(message.to_owned()));
            }
            (Some(from), to, None) => (from, to.unwrap_or(now)),
            (Some(from), None, Some(length)) => (from, from + length),
            (None, to, length) => {
                let to = to.unwrap_or(now);
                (to.before(length.unwrap_or(DEFAULT_LENGTH)), to)
            }
        };
        if from >= to {
            let (from, to) = (from.rfc3339(), to.rfc3339());
            return Err(Error::Usage(format!("--from {from} must be before --to {to}")));
        }
        let slice =
            self.slice.as_deref().map(|text| interval("--slice or PME_RECORD_SLICE", text)).transpose()?;
        Ok(PastRange { from, to, slice: slice.unwrap_or(PAST_SLICE) })
    }
}

/// Reads `URL[,URL][,KEY=VALUE]`: adds the addresses, and returns the options that they share.
fn servers(flag: &str, text: &str, urls: &mut Vec<TargetUrl>) -> Result<HttpOptions, Error> {
    let is_option = |part: &&str| {
        let before = part.split('=').next().unwrap_or_default();
        part.contains('=') && !before.contains(['/', ':'])
    };
    let parts: Vec<&str> = text.split(',').collect();
    let (options, addresses): (Vec<&str>, Vec<&str>) = parts.into_iter().partition(is_option);
    let mut http = HttpOptions::default();
    for address in addresses {
        let with_options: Vec<&str> = std::iter::once(address).chain(options.iter().copied()).collect();
        let (url, own) = server(flag, &with_options.join(","), "http://127.0.0.1:9100/metrics")?;
        urls.push(url);
        http = own;
    }
    Ok(http)
}

fn address(flag: &str, text: &str) -> Result<(String, u16), Error> {
    listen_address(text)
        .ok_or_else(|| Error::Usage(format!("{flag}: {text} is not HOST:PORT, as in 127.0.0.1:9201")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: SourceKind) -> SourceSpec {
        SourceSpec {
            name: "x".to_owned(),
            kind,
            selectors: Vec::new(),
            select: Vec::new(),
            labels: Vec::new(),
            from: None,
            to: None,
            length: None,
            interval: "15s".to_owned(),
            step: "15s".to_owned(),
            timeout: None,
            retries: 5,
            bandwidth: None,
            slice: None,
        }
    }

    fn told(spec: SourceSpec) -> String {
        spec.source(Time::from_unix_secs(1_700_000_000)).unwrap_err().to_string()
    }

    #[test]
    fn urls_and_their_options_are_told_apart() {
        let mut urls = Vec::new();
        servers("--scrape", "a:1,http://b:2/m?x=1,insecure_skip_verify=true", &mut urls).unwrap();
        let urls: Vec<String> = urls.iter().map(|url| url.url().to_string()).collect();
        assert_eq!(urls, ["http://a:1/", "http://b:2/m?x=1"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_told() {
        let read = || SourceKind::RemoteRead("p:9090".to_owned());
        assert_eq!(
            told(spec(read())),
            "source x: a Prometheus must be asked for its series; name them with --match, as in '{job=\"shop\"}', or with \
             --select"
        );
        let selectors = vec!["up".to_owned()];
        let wrong = SourceSpec { from: Some("now".to_owned()), selectors: selectors.clone(), ..spec(read()) };
        assert_eq!(told(wrong), "--from 2023-11-14T22:13:20Z must be before --to 2023-11-14T22:13:20Z");
        let wrong = SourceSpec { selectors: vec!["{a}".to_owned()], ..spec(read()) };
        assert_eq!(told(wrong), "source x: selector \"{a}\": a has no =, !=, =~ or !~");
        let targets = ["a:1,user=me", "b:1"].map(str::to_owned).to_vec();
        let wrong = spec(SourceKind::Scrape { targets, lists: Vec::new() });
        assert!(told(wrong).starts_with("--scrape: the options of two targets differ; "));
        let wrong = spec(SourceKind::ListenOtlp("4318".to_owned()));
        assert_eq!(told(wrong), "--listen-otlp: 4318 is not HOST:PORT, as in 127.0.0.1:9201");
    }
}
