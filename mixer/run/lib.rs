//! Everything live: hosts that have their turns, the events between them, and the outputs that carry their series away.
//!
//! # Bird's-eye view
//!
//! There is one way into a run: whoever starts one builds a [`RunSpec`](spec::RunSpec), gets a [`Run`](run::Run), and ends
//! with its [`RunReport`](report::RunReport). A run emulates its history first, if it has one; then a `MetricsMixer` owns its
//! jobs, hosts and outputs from start-up clean-up to finish clean-up. Its hosts are a fleet: each host sleeps until something is due or an event arrives, and has a turn then. A turn advances the
//! [`DrivenHost`](promemu_core::host::DrivenHost), copies the report into its job's series store and delivers the events
//! to the mailboxes of other hosts. Beside the fleet, each output has a task that reads the stores at its own pace.
//! A [`RunHandle`](handle::RunHandle) reads and commands the run from outside; its commands are carried out by the run's
//! own loop, one after the other.
//!
//! # Code map
//!
//! | module | contents |
//! | --- | --- |
//! | [`spec`], [`run`], [`report`] | a run from its specification to its report |
//! | [`history`], [`watch`] | the history that a run begins with; the edits of its config |
//! | `mixer` | a run's loop, its start and its end |
//! | `fleet` | the hosts of one plan: turns, mailboxes, state, and the step to the next plan |
//! | [`handle`] | views and commands of a run, for the API and for tests |
//! | [`virtual_run`], [`preview`] | a run in virtual time that is read as a live one; a look at a plan before it runs |
//! | [`effects`] | faults that are done for real: a client of Toxiproxy's API, and clean-up however a run ends |
//! | [`outputs`] | Pushgateway, scrape, remote write, OTLP, file; those that all runs share; delivery with back-off; which series a server knows |
//! | [`inputs`] | the sources of a recording, and the recorder that writes what they find |
//! | [`stores`] | stores of a recording's files: folders, and buckets of an object store |
//! | [`proxy`] | a TCP proxy that disturbs connections, with Toxiproxy's API |
//! | [`transport`] | events and actions between the shards of a run, through NATS |
//! | [`http`] | one HTTP client's options, and the limits on answers |
//! | [`event_tap`], `event_marks`, [`simulation`] | a copy of all events for listeners outside the run, and the newest moments of each name; the progress of simulated workloads |
//! | [`status`], [`self_metrics`], [`process`] | the run's report on itself, and promemu's own metrics |
//! | `named_pipe`, `truth_file`, [`whole_file`] | pipes by their paths; the ground truth as a file; files that are replaced as a whole |
//! | `stop_flag` | the request to leave off long work |
//! | `threads` | the workers of the hosts and those of the servers, which do not hold up each other |
//! | [`printable`] | text without what a terminal would obey |
//! | [`log_queue`] | log lines on their way to standard error, which nobody waits for |
//! | [`clock`] | the only reader of the machine's clocks |
//! | [`settings`] | the settings of a run beside its plan |
//!
//! # Invariants
//!
//! - A failing push never stops a host, a failing scenario never stops its host, a failing host never stops the run.
//! - A host is told the time that was due, not the late one that it woke at. What is overdue by more than one interval
//!   is skipped and counted.
//! - An output always sends the newest state. Nothing here queues without a bound: a full mailbox drops and counts, a
//!   slow listener misses events and learns the number.
//! - No lock is held across an await. A store is locked for one report or one piece of a body at a time.
//! - Only [`clock`] reads a clock. Whatever is paced for servers and people follows the wall, at any `--speed`.
//! - This crate knows no command line and no API routes; of config files it knows that they change.
//! - A run touches no other: what they share ([`SharedOutputs`](outputs::SharedOutputs)) refuses what would contradict.

pub mod clock;
pub mod effects;
mod event_marks;
pub mod event_tap;
mod fleet;
pub mod handle;
pub mod history;
pub mod http;
pub mod inputs;
pub mod log_queue;
mod mixer;
mod named_pipe;
pub mod outputs;
pub mod preview;
pub mod printable;
pub mod process;
pub mod proxy;
pub mod report;
pub mod run;
pub mod self_metrics;
pub mod settings;
pub mod simulation;
pub mod spec;
pub mod status;
mod stop_flag;
pub mod stores;
pub mod threads;
pub mod transport;
mod truth_file;
pub mod unfinished;
pub mod virtual_run;
pub mod watch;
pub mod webhook;
pub mod whole_file;
