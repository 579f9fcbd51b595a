//! promemu emulates a monitored world: hosts with metrics, scenarios and events, whose series go to a
//! Prometheus Pushgateway or are scraped from promemu itself.
//!
//! # The way through the code
//!
//! A config file becomes a [`plan::Plan`] ([`config`]): every name resolved, every number checked. A
//! [`mixer::MetricsMixer`] runs a plan: it makes an [`host::EmulatedHost`] of each host and drives it in a task of its
//! own. A host asks its metrics' [`scenario`]s for values, turns them into cells ([`metric`]), and reports
//! its row of cells to its job's [`series::SeriesStore`]. A [`sink`] encodes the stores ([`exposition`]) and hands
//! them out. Hosts hear each other through the [`event::EventBus`]. What a run does is counted in its
//! [`self_metrics`]. A [`mixer::Remote`] is the handle by which the control API ([`api`]) looks at a run and steers it.
//!
//! # Floors
//!
//! A file imports only from floors below its own.
//!
//! | floor | files |
//! | --- | --- |
//! | 0 | error, rng, clock, process |
//! | 1 | event, metric, expression, plugin, `self_metrics` |
//! | 2 | series, scenario, status |
//! | 3 | exposition, plan |
//! | 4 | host, config, sink |
//! | 5 | mixer, backfill, preview |
//! | 6 | export, api |
//! | 7 | settings, cli, daemon, ctl, watch, check, save, past, list, new, starter, questions, scenarios, packaging, plot, dashboard, plugins, table, logs, output, diagnostics, main: the program, not part of the library |
//!
//! # What holds everywhere
//!
//! **Only the mixer, the sinks and the API know tokio**, and the program around them. A host does no I/O, reads no clock and never sleeps:
//! [`host::EmulatedHost::advance`] is told the time and the events, and leaves what it wants in an outbox. So a host
//! can be driven by a clock, by a loop, or by a test.
//!
//! **Only [`config`] knows RON's shape.** What leaves it is a plan in which nothing is optional just in
//! case and nothing is checked again.
//!
//! **Names decide randomness.** Every metric draws from a stream that comes from the seed, its host's name,
//! its own name and its labels ([`rng`]). Adding a host changes nobody else's values, and nothing depends on
//! scheduling.
//!
//! **Nothing is allocated, hashed or locked per sample.** A host's labels are encoded once; a series is a few
//! cells in its host's row; hosts of one template share everything but their state ([`plan::HostShape`]).
//!
//! **Failures stay where they happen.** A failing push never stops a host, a failing scenario never stops its
//! host, a failing host never stops the mixer. What is full drops and counts; nothing waits for a queue.
//!
//! **Nothing of a stranger's is touched.** Every pushed group says whose it is; only groups of runs that
//! are over are deleted ([`sink::pushgateway`]).
//!
//! **`unsafe` code is in one module**, `plugin/boundary`, where plugins are called; the plugins' own side of it is in
//! `plugins/api`. What a plugin says is checked, and a library is never unloaded ([`plugin`]).
//!
//! # Using it as a library
//!
//! ```
//! use promemu::config::{ConfigFile, LoadOptions};
//! use promemu::{Error, clock::Time};
//!
//! # fn main() -> Result<(), Error> {
//! let text = r#"Config(hosts: [Host(name: "web-1", metrics: [
//!     Metric(name: "cpu_usage_percent", value_range: (0, 100), scenario: random_walk),
//! ])])"#;
//! let file = ConfigFile::from_text("example", text);
//! let plan = file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000)))?.plan;
//! assert_eq!(plan.series_count(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! [`MetricsMixer::start`] takes such a plan, and [`MetricsMixer::run`] runs it until a future of yours completes;
//! [`MetricsMixer::run_with_reloads`] goes on with each other plan that comes.

pub mod api;
pub mod backfill;
pub mod clock;
pub mod config;
pub mod error;
pub mod event;
pub mod export;
pub mod exposition;
pub mod expression;
pub mod host;
pub mod metric;
pub mod mixer;
pub mod plan;
pub mod plugin;
pub mod preview;
pub mod process;
pub mod rng;
pub mod scenario;
pub mod self_metrics;
pub mod series;
pub mod sink;
pub mod status;

pub use config::{ConfigDirs, ConfigFile, LoadedConfig, config_classes, list_available_configs, load_config};
pub use error::{ConfigError, Error};
pub use mixer::{MetricsMixer, RunSettings};
