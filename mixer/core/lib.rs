//! The emulated world of promemu, without I/O.
//!
//! # Bird's-eye view
//!
//! A config file becomes a [`plan::Plan`] ([`config`]): every name resolved, every number checked. A driver makes an
//! [`host::EmulatedHost`] of each host in the plan and advances it in time. A host asks the [`scenario`]s of its metrics
//! for values, aggregates them into cells ([`metric`]), and writes its row of cells to the [`series::SeriesStore`] of its
//! job. Encoders above this crate turn stores into bytes. Hosts hear each other through [`event::Event`]s, which the
//! driver delivers.
//!
//! There are two kinds of drivers. The live one, a task per host, is in `promemu_run`. The virtual ones do not sleep: a
//! [`world`] advances all hosts in lock step, can be acted on between two steps, copied and restored; a [`backfill`] drives
//! each host alone, on any number of threads. All give the same values for the same seed.
//!
//! # Code map
//!
//! A module uses only modules above its own in this table.
//!
//! | module | content |
//! | --- | --- |
//! | [`stop`] | a request to end work early |
//! | [`error`] | problems of a config with their places; errors of a run |
//! | [`time`] | emulated time, spans and speeds |
//! | [`rng`] | seeds derived from names, and random streams |
//! | [`naming`] | valid, reserved and generated names |
//! | [`plural`] | a count and its noun, for messages |
//! | [`user_file`] | the reader of files that a person names: regular ones, bounded in bytes and time |
//! | [`temporary_folder`] | folders for temporary files, which no kill leaves behind for good |
//! | [`text_file`] | text files of users, with or without a byte order mark |
//! | [`event`] | events, and subscriptions to them |
//! | [`expression`] | expressions, formulas and scripts, on an embedded engine with limits |
//! | [`metric`] | cells of every metric type: the aggregation of values |
//! | [`series`] | families, labels, and the store of a job's series |
//! | [`replay`] | recordings that hosts play |
//! | [`plugin`] | loaded plugins: their declarations, and calls into them |
//! | [`scenario`] | the kinds of scenarios: one file each |
//! | [`fault`] | the kinds of faults, one file each, and their times |
//! | [`plan`] | resolved hosts, metrics, pools, faults, listeners and their actions |
//! | [`timeline`] | levers and faults of a run in time; actions from outside on their way to hosts |
//! | [`config`] | RON files to plans; all problems at once, each with its place |
//! | [`host`] | one emulated host as a state machine: updates, events, faults, pools, reports |
//! | [`world`] | the virtual driver in lock step: worlds that can be acted on, copied and restored |
//! | [`preview`] | the first values of a plan |
//! | [`estimate`] | the number of series, updates and pushes of a plan |
//! | [`backfill`] | the virtual driver: samples of a time range |
//!
//! # Invariants
//!
//! **A host does no I/O, reads no clock and never sleeps.** [`host::EmulatedHost::advance`] gets the time and the events,
//! and leaves its own events and reports in an outbox. So a clock, a loop or a test can drive it. Only the crates above
//! know tokio, sockets and HTTP.
//!
//! **Only [`config`] knows RON's shape.** It returns a plan in which every name is resolved and every number is checked;
//! nothing above checks again.
//!
//! **Names decide randomness.** Every metric draws from a stream derived from the seed, its host's name, its own name and
//! its labels ([`rng`]). An added host leaves the others' values alone, and nothing depends on scheduling.
//!
//! **Nothing is allocated, hashed or locked per sample.** The labels of a host are encoded once; a series is a few cells
//! in its host's row; hosts of one template share all but their state ([`plan::HostShape`]).
//!
//! **Failures stay where they happen.** A failing scenario keeps its value and does not stop its host. A full queue drops
//! and counts. An error is returned, never printed; a panic is a bug.
//!
//! **`unsafe` code is in `plugin::boundary` only**, which calls plugins; their side of the calls is in `plugins/api`. Each
//! value from a plugin is checked, and a library is never unloaded.
//!
//! # Use as a library
//!
//! ```
//! use promemu_core::config::{ConfigFile, LoadOptions};
//! use promemu_core::{error::Error, time::Time};
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
//! [`world::World`] runs it.

pub mod backfill;
pub mod config;
pub mod error;
pub mod estimate;
pub mod event;
pub mod excerpt;
pub mod expression;
pub mod fault;
pub mod host;
pub mod interrupt;
pub mod metric;
pub mod name_regex;
pub mod naming;
pub mod number;
pub mod passwords;
pub mod plan;
pub mod plugin;
pub mod plural;
pub mod preview;
mod quote;
pub mod replay;
pub mod rng;
pub mod scenario;
pub mod series;
pub mod stop;
pub mod temporary_folder;
pub mod text_file;
pub mod thread_limit;
pub mod time;
pub mod timeline;
pub mod user_file;
pub mod verdict;
pub mod work;
pub mod world;
