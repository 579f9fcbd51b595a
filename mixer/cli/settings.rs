//! The meaning of the command line: values are checked here, and a flag overrides its variable, a variable the config
//! file, and that the default. It knows no command.

mod arguments;
mod durations;
mod history;
mod links;
mod listen;
mod memory;
mod moments;
mod outputs;
mod playlist;
mod plugin_dirs;
mod server;
mod shard;
mod simulator;
mod variant;

use std::sync::Arc;

use promemu_api::{ApiSettings, Links};
use promemu_core::config::{ConfigDirs, ConfigFile, LoadOptions, LoadedConfig};
use promemu_core::error::{ConfigError, Error};
use promemu_core::plan::{RunDefaults, Shard};
use promemu_core::replay::ReplayOpener;
use promemu_core::rng::random_seed;
use promemu_core::time::{Span, Speed, Time};
use promemu_run::http::{HttpOptions, listen_address};
use promemu_run::outputs::OutputSettings;
use promemu_run::outputs::pushgateway::{GatewaySettings, GatewayUrl, PushSettings};
use promemu_run::outputs::remote_write::RemoteWriteSettings;
use promemu_run::outputs::scrape::ScrapeSettings;
use promemu_run::settings::RunSettings;
use promemu_run::transport::BusSettings;
use promemu_wire::exposition::Format;
use promemu_wire::recording::RecordingReplays;

use crate::args::{Cli, Command, PushFormat};
use crate::logs::is_terminal;
use crate::stdout;
use arguments::ConfigArguments;
use durations::status_interval;
pub(crate) use outputs::output_kinds;
use outputs::{GatewayDefaults, OutputArg, parse_outputs, refuse_twins};
use shard::ShardFlags;
use simulator::SimulatorVariables;

pub(crate) use arguments::{of_file as arguments_of_file, of_flags as arguments_of_flags};
pub(crate) use durations::{interval, positive, span};
pub(crate) use listen::token;
pub(crate) use moments::{is_relative, moment};
pub(crate) use plugin_dirs::plugin_dirs;
pub(crate) use server::server;
pub(crate) use variant::Variant;

const DEFAULT_URL: &str = "http://127.0.0.1:9091";
const DEFAULT_PUSH_INTERVAL: Span = Span::from_secs(15);

/// The settings of one call of promemu.
#[derive(Debug)]
pub(crate) struct Settings {
    cli: Cli,
    flags: Flags,
}

/// The flags that are checked without a config.
#[derive(Debug)]
struct Flags {
    pushgateway_url: Option<GatewayUrl>,
    outputs: Vec<OutputArg>,
    push_interval: Option<Span>,
    push_timeout: Span,
    status_interval: Option<Span>,
    speed: Speed,
    duration: Span,
    self_metrics_address: Option<String>,
    arguments: ConfigArguments,
    memory_max: usize,
    history_length: Option<Span>,
    history_step: Span,
    history_receiver: Option<RemoteWriteSettings>,
    listen: Option<ApiSettings>,
    links: Links,
    auto_start: Option<bool>,
    shard: ShardFlags,
}

impl Settings {
    /// Checks all flags that need no config.
    pub(crate) fn new(cli: Cli) -> Result<Self, Error> {
        if let Some(dir) = cli.configs_dir.as_ref().filter(|dir| !dir.is_dir()) {
            let dir = dir.display();
            return Err(Error::Usage(format!("--configs-dir or PME_CONFIGS_DIR: {dir} is not a folder")));
        }
        let push_timeout = interval("--push-timeout or PME_PUSH_TIMEOUT", &cli.push_timeout)?;
        let simulator = SimulatorVariables::of_environment();
        // Other commands have no API, and do not read the token for it.
        let is_run = matches!(cli.command, None | Some(Command::Run(_)));
        let listen = if is_run { listen::listen(&cli)? } else { None };
        let auto_start = simulator.auto_start(&cli)?;
        if auto_start == Some(false) && listen.is_none() {
            return Err(Error::Usage(
                "AUTO_START: a run that waits for POST /api/v1/simulations/main/start needs the control API; set \
                 PME_API_TOKEN, or --listen"
                    .to_owned(),
            ));
        }
        let flags = Flags {
            pushgateway_url: cli.pushgateway_url.as_deref().map(GatewayUrl::parse).transpose()?,
            outputs: outputs(&cli, push_timeout)?,
            push_interval: cli
                .push_interval
                .as_deref()
                .map(|text| interval("--push-interval or PME_PUSH_INTERVAL", text))
                .transpose()?,
            push_timeout,
            status_interval: status_interval(&cli.status_interval)?,
            speed: Speed::parse(&cli.speed)
                .map_err(|error| Error::Usage(format!("--speed or PME_SPEED: {error}")))?,
            duration: cli.duration.as_deref().map_or(Ok(Span::FOREVER), duration)?,
            self_metrics_address: cli.self_metrics_address.as_deref().map(address).transpose()?,
            arguments: ConfigArguments::new(&cli, simulator)?,
            memory_max: memory::max_memory(cli.max_memory.as_deref())?,
            history_length: cli.history.as_deref().map(history::length).transpose()?,
            history_step: history::step(&cli.history_step)?,
            history_receiver: history::receiver(&cli.history_out, push_timeout.duration())?,
            listen,
            links: links::links(&cli)?,
            auto_start,
            shard: ShardFlags::new(&cli)?,
        };
        Ok(Self { cli, flags })
    }

    pub(crate) const fn cli(&self) -> &Cli {
        &self.cli
    }

    /// The servers that the live page links to.
    pub(crate) fn links(&self) -> Links {
        self.flags.links.clone()
    }

    /// The config's name.
    pub(crate) fn config(&self) -> Result<&str, Error> {
        let missing = || {
            Error::Usage(
                "no config given; write promemu run NAME (promemu --list-configs shows the names)".to_owned(),
            )
        };
        self.cli.config.as_deref().ok_or_else(missing)
    }

    /// The folders that configs are searched in.
    pub(crate) fn config_dirs(&self) -> ConfigDirs {
        ConfigDirs::new(self.cli.configs_dir.clone())
    }

    /// The plan of the class of `--class`, else of a file's default one, with warnings.
    pub(crate) fn load(&self, file: &ConfigFile, started_at: Time) -> Result<LoadedConfig, ConfigError> {
        self.load_class(file, self.cli.class.as_deref(), started_at)
    }

    /// The plan of a class, or without one of a file's default one, with warnings; a variable that names no argument of the
    /// class is one.
    pub(crate) fn load_class(
        &self,
        file: &ConfigFile,
        class: Option<&str>,
        started_at: Time,
    ) -> Result<LoadedConfig, ConfigError> {
        let variant = Variant::of_class(class.map(str::to_owned));
        self.load_variant(file, &variant, self.cli.no_faults, started_at)
    }

    /// As [`Self::load_class`], with more arguments, and without faults if so wanted.
    pub(crate) fn load_variant(
        &self,
        file: &ConfigFile,
        variant: &Variant,
        no_faults: bool,
        started_at: Time,
    ) -> Result<LoadedConfig, ConfigError> {
        let Variant { class, arguments: own, takes_flags, run_id } = variant.clone();
        let (mut arguments, unknown) = if takes_flags {
            self.flags.arguments.for_class(file, class.as_deref())
        } else {
            Default::default()
        };
        arguments.extend(own);
        // The plan is of all shards, and one has about its part of it.
        let shards = self.shard().map_or(1, |shard| shard.count() as usize);
        let [series_max, memory_max] =
            [self.cli.max_series, self.flags.memory_max].map(|max| max.saturating_mul(shards));
        let options = LoadOptions::starting_at(started_at);
        let replays: Option<Arc<dyn ReplayOpener>> = Some(Arc::new(RecordingReplays));
        let options =
            LoadOptions { class, arguments, run_id, series_max, memory_max, no_faults, replays, ..options };
        let mut loaded = file.plan(&options)?;
        let unknown = unknown.into_iter().map(|name| {
            format!("variable {name} names no argument of the config; promemu describe NAME shows them")
        });
        loaded.warnings.extend(unknown);
        Ok(loaded)
    }

    /// The shard to run; `None` for the whole run.
    pub(crate) const fn shard(&self) -> Option<Shard> {
        self.flags.shard.shard
    }

    /// The bus between the shards of the run, if there is one.
    pub(crate) const fn bus(&self) -> Option<&BusSettings> {
        self.flags.shard.bus.as_ref()
    }

    /// The time at which the run has started elsewhere, if it has.
    pub(crate) const fn run_started_at(&self) -> Option<Time> {
        self.flags.shard.started_at
    }

    /// The control API's address and token; `None` if it is off.
    pub(crate) const fn listen(&self) -> Option<&ApiSettings> {
        self.flags.listen.as_ref()
    }

    /// `true` if the API is to run without a config.
    pub(crate) fn waits_for_runs(&self) -> bool {
        self.cli.config.is_none() && self.cli.listen.is_some() && self.flags.listen.is_some()
    }

    /// The start of a main run that a daemon keeps: at once if `true`, else at a client's request. `None` for a main run
    /// with which promemu ends.
    pub(crate) fn auto_start(&self) -> Option<bool> {
        self.flags.auto_start.filter(|_| self.flags.listen.is_some())
    }

    /// The emulated time after which a run ends; `None` for no limit.
    pub(crate) fn duration(&self) -> Option<Span> {
        Some(self.flags.duration).filter(|duration| *duration != Span::FOREVER)
    }

    /// The config's arguments, as a JSON object.
    pub(crate) fn arguments_as_json(&self, file: &ConfigFile) -> serde_json::Value {
        let (arguments, _) = self.flags.arguments.for_class(file, self.cli.class.as_deref());
        let object = arguments.iter().map(|(name, value)| (name.clone(), value.to_string().into()));
        serde_json::Value::Object(object.collect())
    }

    /// The address of a listener for promemu's own metrics, if there is one.
    pub(crate) fn self_metrics_address(&self) -> Option<&str> {
        self.flags.self_metrics_address.as_deref()
    }

    /// Maximum memory of a run, in bytes.
    pub(crate) const fn memory_max(&self) -> usize {
        self.flags.memory_max
    }

    /// The length of the history that the run begins with, if there is one.
    pub(crate) const fn history_length(&self) -> Option<Span> {
        self.flags.history_length
    }

    /// The receiver of remote write that `--output` names for a past; `None` without `--output`.
    pub(crate) fn past_receiver(&self) -> Result<Option<&RemoteWriteSettings>, Error> {
        match self.flags.outputs.as_slice() {
            [] => Ok(None),
            [output] if output.remote_write().is_some() => Ok(output.remote_write()),
            _ => Err(export_output()),
        }
    }

    /// The receiver of remote write that `--history-out` names.
    pub(crate) const fn history_receiver(&self) -> Option<&RemoteWriteSettings> {
        self.flags.history_receiver.as_ref()
    }

    /// `true` if an output of `--output` serves a page for each host.
    pub(crate) fn has_pages(&self) -> bool {
        self.flags.outputs.iter().any(OutputArg::is_scrape)
    }

    /// Time between two samples of a history.
    pub(crate) const fn history_step(&self) -> Span {
        self.flags.history_step
    }

    /// The Pushgateways of a command that runs no config.
    pub(crate) fn gateways(&self) -> Result<Vec<GatewaySettings>, Error> {
        let outputs = self.run_settings(&RunDefaults::default())?.outputs;
        let gateways: Vec<_> = outputs.iter().filter_map(OutputSettings::gateway).cloned().collect();
        if gateways.is_empty() {
            return Err(Error::Usage(
                "no Pushgateway is given; name it with --pushgateway-url or --output pushgateway=URL"
                    .to_owned(),
            ));
        }
        Ok(gateways)
    }

    /// The push interval of a config with these defaults.
    pub(crate) fn push_interval(&self, defaults: &RunDefaults) -> Span {
        self.flags.push_interval.or(defaults.push_interval).unwrap_or(DEFAULT_PUSH_INTERVAL)
    }

    /// Speed of emulated time.
    pub(crate) const fn speed(&self) -> Speed {
        self.flags.speed
    }

    /// The settings of a run of a config with these defaults.
    pub(crate) fn run_settings(&self, defaults: &RunDefaults) -> Result<RunSettings, Error> {
        let push_interval = self.push_interval(defaults);
        let outputs = self.outputs(defaults, push_interval)?;
        if outputs.iter().any(OutputSettings::is_stdout) {
            stdout::check()?;
        }
        let gateway = outputs.iter().find_map(OutputSettings::gateway);
        let pushgateway_url = gateway.map(|gateway| gateway.url.clone());
        Ok(RunSettings {
            truth: None,
            outputs,
            pushgateway_url,
            push_interval,
            status_interval: self.flags.status_interval,
            status_json: self.cli.status_json.unwrap_or(self.cli.show_metrics_status || !is_terminal()),
            shows_hosts: self.cli.show_hosts_status,
            shows_metrics: self.cli.show_metrics_status,
            seed: self.cli.seed.unwrap_or_else(random_seed),
            duration: self.flags.duration,
        })
    }

    fn gateway_url(&self, defaults: &RunDefaults) -> Result<GatewayUrl, Error> {
        match (&self.flags.pushgateway_url, &defaults.pushgateway_url) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(text)) => GatewayUrl::parse(text)
                .map_err(|error| Error::Usage(format!("the config's pushgateway_url: {error}"))),
            (None, None) => GatewayUrl::parse(DEFAULT_URL),
        }
    }

    /// The outputs of `--output`; without it the Pushgateway, or with `--embedded` a scrape at its address.
    fn outputs(&self, defaults: &RunDefaults, push_interval: Span) -> Result<Vec<OutputSettings>, Error> {
        let push = PushSettings {
            format: match self.cli.push_format {
                PushFormat::Protobuf => Format::Protobuf,
                PushFormat::Text => Format::Text,
            },
            interval: push_interval,
            cleanup_on_start: self.cli.cleanup_on_start.or(defaults.cleanup_on_start).unwrap_or(true),
            cleanup_on_finish: self.cli.cleanup_on_finish.or(defaults.cleanup_on_finish).unwrap_or(true),
            self_metrics: self.cli.push_self_metrics,
            shard: self.shard().map(Shard::number),
        };
        let timeout = self.flags.push_timeout.duration();
        if !self.flags.outputs.is_empty() {
            let gateway_url = || self.gateway_url(defaults);
            let defaults = GatewayDefaults { url: &gateway_url, push };
            let outputs = self.flags.outputs.iter().map(|output| output.settings(&defaults));
            let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
            return refuse_twins(&outputs).map(|()| outputs);
        }
        let is_gateway_named = self.cli.embedded || self.flags.pushgateway_url.is_some();
        if let (Some((host, port)), false) = (&defaults.serve, is_gateway_named) {
            return Ok(vec![OutputSettings::Scrape(Box::new(ScrapeSettings {
                host: host.to_string(),
                port: *port,
                http: HttpOptions::default(),
                is_embedded: false,
                may_move: true,
            }))]);
        }
        let url = self.gateway_url(defaults)?;
        if self.cli.embedded {
            let ((host, port), http) = (url.listen_address()?, HttpOptions::default());
            return Ok(vec![OutputSettings::Scrape(Box::new(ScrapeSettings {
                host,
                port,
                http,
                is_embedded: true,
                may_move: false,
            }))]);
        }
        let http = HttpOptions::default();
        Ok(vec![OutputSettings::Pushgateway(Box::new(GatewaySettings { url, http, timeout, push }))])
    }
}

/// The values of `--output`; they exclude `--embedded`.
fn outputs(cli: &Cli, push_timeout: Span) -> Result<Vec<OutputArg>, Error> {
    let is_export = matches!(cli.command, Some(Command::Export(_)));
    if is_export && cli.output.iter().any(|output| !output.starts_with("remote-write")) {
        return Err(export_output());
    }
    let outputs = parse_outputs(&cli.output, push_timeout.duration())?;
    if cli.embedded && !outputs.is_empty() {
        return Err(Error::Usage(
            "--embedded and --output exclude each other; serve with --output scrape=HOST:PORT".to_owned(),
        ));
    }
    let needs_url = outputs.is_empty() || outputs.iter().any(OutputArg::needs_gateway_url);
    if cli.is_url_typed && !needs_url {
        return Err(Error::Usage(
            "--pushgateway-url is for --output pushgateway, which is not given; write --output pushgateway=URL"
                .to_owned(),
        ));
    }
    Ok(outputs)
}

fn export_output() -> Error {
    Error::Usage(
        "--output sends an export by remote-write=URL, once; write a file with --out FILE".to_owned(),
    )
}

/// A duration above 0, which may be endless.
fn duration(text: &str) -> Result<Span, Error> {
    let flag = "--duration or PME_DURATION";
    match span(flag, text)? {
        Span::ZERO => Err(Error::Usage(format!("{flag} must be longer than 0, but is {text:?}"))),
        span => Ok(span),
    }
}

/// A `HOST:PORT`. An unknown host is an error only when promemu listens there.
fn address(text: &str) -> Result<String, Error> {
    if listen_address(text).is_some() {
        return Ok(text.to_owned());
    }
    Err(Error::Usage(format!(
        "--self-metrics-address or PME_SELF_METRICS_ADDRESS must be HOST:PORT as in 127.0.0.1:9092, but is {text:?}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(args: &[&str]) -> Result<Settings, Error> {
        let args = ["promemu"].iter().chain(args).map(Into::into);
        Settings::new(crate::args::parse(args).expect("the flags are known"))
    }

    fn gateway(run: &RunSettings) -> &GatewaySettings {
        run.outputs.iter().find_map(OutputSettings::gateway).expect("it pushes")
    }

    #[test]
    fn a_flag_overrides_the_config_and_that_the_default() {
        let defaults = RunDefaults {
            pushgateway_url: Some("http://config:1".into()),
            is_pushgateway_url_fixed: true,
            serve: None,
            push_interval: Some(Span::from_secs(7)),
            cleanup_on_start: Some(false),
            cleanup_on_finish: None,
        };
        let run = settings(&["--pushgateway-url", "flag:2"]).unwrap().run_settings(&defaults).unwrap();
        assert_eq!(gateway(&run).url.to_string(), "http://flag:2");
        assert_eq!(run.push_interval, Span::from_secs(7));
        assert!(!gateway(&run).push.cleanup_on_start);
        assert!(gateway(&run).push.cleanup_on_finish);
        let run = settings(&["--cleanup-on-start", "--push-interval", "10.0"])
            .unwrap()
            .run_settings(&defaults)
            .unwrap();
        assert_eq!(gateway(&run).url.to_string(), "http://config:1");
        assert_eq!(gateway(&run).push.interval, Span::from_secs(10));
        assert!(gateway(&run).push.cleanup_on_start);
    }

    #[test]
    fn a_config_that_serves_does_so_unless_an_output_or_a_pushgateway_is_named() {
        let defaults = RunDefaults { serve: Some(("127.0.0.1".into(), 9090)), ..RunDefaults::default() };
        for (args, name) in [
            (&[][..], "scrape=127.0.0.1:9090"),
            (&["--output", "scrape=127.0.0.1:7"], "scrape=127.0.0.1:7"),
            (&["--pushgateway-url", "gw:1"], "pushgateway=http://gw:1"),
            (&["--embedded"], "scrape=127.0.0.1:9091"),
        ] {
            let run = settings(args).unwrap().run_settings(&defaults).unwrap();
            assert_eq!(run.outputs.iter().map(OutputSettings::name).collect::<Vec<_>>(), [name], "{args:?}");
        }
    }

    #[test]
    fn outputs_replace_the_pushgateway_and_there_may_be_several() {
        let named = |args: &[&str]| {
            let run = settings(args).unwrap().run_settings(&RunDefaults::default()).unwrap();
            let names = run.outputs.iter().map(OutputSettings::name).collect::<Vec<_>>().join(" ");
            (names, run.pushgateway_url.map(|url| url.to_string()))
        };
        let text = |text: &str| Some(text.to_owned());
        for (args, names, url) in [
            (&[][..], "pushgateway=http://127.0.0.1:9091", text("http://127.0.0.1:9091")),
            (&["--embedded", "--pushgateway-url", "[::1]:5"], "scrape=[::1]:5", None),
            (&["--output", "scrape=127.0.0.1:0"], "scrape=127.0.0.1:0", None),
            (
                &["--output", "pushgateway", "--pushgateway-url", "gw:1"],
                "pushgateway=http://gw:1",
                text("http://gw:1"),
            ),
            (
                &["--output", "scrape=[::1]:5", "--output", "pushgateway=https://me:s3cret@gw"],
                "scrape=[::1]:5 pushgateway=https://me:***@gw",
                text("https://me:***@gw"),
            ),
            (
                &["--output", "pushgateway=gw:1,format=text  scrape=h:1"],
                "pushgateway=http://gw:1 scrape=h:1",
                text("http://gw:1"),
            ),
        ] {
            assert_eq!(named(args), (names.to_owned(), url), "{args:?}");
        }
        let run = settings(&["--output", "pushgateway,format=text,timeout=2s,header.X-A=a,,b"]).unwrap();
        let run = run.run_settings(&RunDefaults::default()).unwrap();
        assert_eq!(gateway(&run).push.format, Format::Text);
        assert_eq!(gateway(&run).timeout, std::time::Duration::from_secs(2));
    }

    #[test]
    fn an_output_without_its_kind_gets_it_without_its_secrets() {
        for (output, hint) in [
            ("http://me:s3cret@gw", "unknown output; for a URL write pushgateway=URL"),
            ("scrape:me:s3cret@h:1", "unknown output; write scrape=…, with an equals sign"),
            ("s3cret@h:1", "unknown output; expected one of pushgateway, scrape, remote-write"),
            ("otel=http://me:s3cret@h", "unknown output \"otel\"; write otlp=URL"),
            ("9464", "write scrape=127.0.0.1:9464"),
            ("[::1]:9464", "write scrape=[::1]:9464"),
        ] {
            let error = settings(&["--output", output]).unwrap_err().to_string();
            assert!(error.contains(hint) && !error.contains("s3cret"), "{output}: {error}");
        }
    }

    #[test]
    fn invalid_outputs_are_refused_without_their_secrets() {
        for (args, complaint) in [
            (&["--output", "pushgatway=http://me:s3cret@gw"][..], "; did you mean \"pushgateway\"?"),
            (&["--output", "scrape"], "as in scrape=127.0.0.1:9464"),
            (&["--output", "scrape=9464"], "as in scrape=127.0.0.1:9464"),
            (&["--output", "scrape=http://me:s3cret@h:1"], "as in scrape=127.0.0.1:9464"),
            (
                &["--output", "scrape=h:1,shards=s3cret"],
                "scrape has no option \"shards\"; expected one of user, ",
            ),
            (
                &["--output", "pushgateway=gw,fromat=s3cret"],
                "pushgateway has no option \"fromat\"; did you mean \"format\"?",
            ),
            (&["--output", "pushgateway=gw,s3cret"], "KEY=VALUE"),
            (
                &["--output", "pushgateway=gw,format=xml"],
                "unknown format \"xml\"; expected one of protobuf, text",
            ),
            (&["--output", "pushgateway=gw,timeout=0"], "timeout must be 1ms or longer"),
            (&["--output", "pushgateway=gw,timeout=1ns"], "timeout must be 1ms or longer"),
            (&["--status-interval", "1ns"], "--status-interval or PME_STATUS_INTERVAL must be 1ms or longer"),
            (&["--push-timeout", "999us"], "--push-timeout or PME_PUSH_TIMEOUT must be 1ms or longer"),
            (&["--push-interval", "1us"], "--push-interval or PME_PUSH_INTERVAL must be 1ms or longer"),
            (&["--history-step", "1ns"], "--history-step or PME_HISTORY_STEP must be 1ms or longer"),
            (&["--output", "pushgateway=gw,user=a,user=b"], "\"user\" is there twice"),
            (&["--output", "scrape=h:1,user=me,password=s3cret"], "use password_file or password_env"),
            (&["--output", "scrape=h:1,user=me"], "user needs password_file or password_env"),
            (&["--output", "scrape=h:1,header.X=s3cret"], "scrape has no option \"header.X\""),
            (&["--output", "scrape=h:1,ca_file=/x"], "needs cert_file"),
            (&["--output", "pushgateway=gw,password=s3cret"], "use password_file or password_env"),
            (&["--output", "pushgateway=ftp://me:s3cret@gw"], "is neither http nor https"),
            (&["--output", "scrape=h:1", "--embedded"], "--embedded and --output exclude each other"),
            (&["--output", "scrape=me:s3cret@h:1"], "as in scrape=127.0.0.1:9464"),
            (
                &["--embedded", "--pushgateway-url", "http://me:s3cret@h:1"],
                "must be http://HOST:PORT and no more",
            ),
            (&["--embedded", "--pushgateway-url", "me@h:1"], "must be http://HOST:PORT and no more"),
            (&["--embedded", "--pushgateway-url", "https://h:1"], "must be http://HOST:PORT and no more"),
            (
                &["--embedded", "--pushgateway-url", "http://h:1/prefix"],
                "must be http://HOST:PORT and no more",
            ),
            (&["--output", "scrape=h:1", "--pushgateway-url", "gw"], "write --output pushgateway=URL"),
            (
                &["--output", "pushgateway=http://a:s3cret@gw", "--output", "pushgateway=http://a:x@gw"],
                "pushgateway=http://a:***@gw is there twice",
            ),
        ] {
            let outcome = settings(args).and_then(|settings| settings.run_settings(&RunDefaults::default()));
            let error = outcome.unwrap_err();
            let text = error.to_string();
            assert!(text.contains(complaint) && !text.contains("s3cret"), "{complaint}: {text}");
            assert_eq!(error.exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn invalid_values_are_refused() {
        for flags in [
            ["--push-interval", "0"],
            ["--push-interval", "inf"],
            ["--push-interval", "x"],
            ["--push-timeout", "0"],
            ["--status-interval", "-1"],
            ["--duration", "0"],
            ["--duration", "long"],
            ["--speed", "0"],
            ["--speed", "fast"],
            ["--self-metrics-address", "9092"],
            ["--self-metrics-address", ":9092"],
            ["--self-metrics-address", "http://127.0.0.1:9092"],
            ["--self-metrics-address", "me@127.0.0.1:9092"],
            ["--self-metrics-address", "localhost:http"],
        ] {
            let flags = [format!("{}={}", flags[0], flags[1])];
            let error = settings(&[&flags[0]]).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
        }
        for none in ["0", "inf"] {
            assert_eq!(settings(&["--status-interval", none]).unwrap().flags.status_interval, None);
        }
        assert_eq!(settings(&[]).unwrap().flags.duration, Span::FOREVER);
        for address in ["127.0.0.1:0", "[::1]:9092", "localhost:9092"] {
            let settings = settings(&["--self-metrics-address", address]).unwrap();
            assert_eq!(settings.flags.self_metrics_address.as_deref(), Some(address));
        }
    }
}
