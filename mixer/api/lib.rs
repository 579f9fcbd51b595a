//! The control API of promemu, and its live page: runs, read and steered over HTTP.
//!
//! # Bird's-eye view
//!
//! [`Api::start`] binds an address and serves until [`Api::end`]. A request passes the layers of `routes.rs` from the
//! outside in: rate limit, access check, turn of large bodies, body limit; then a handler of `routes/` reads its
//! parameters, finds its run in `AppState`, and calls that run's [`RunHandle`](promemu_run::handle::RunHandle). The handle
//! returns a view, which is the JSON of the answer, or an error, which `ApiError` maps to a status
//! and a stable code.
//!
//! # Code map
//!
//! | file | its part |
//! | --- | --- |
//! | `api.rs`, `settings.rs`, `daemon.rs` | start and end of the API, its address, the interface to the program |
//! | `routes.rs` | the table of all paths, and their layers |
//! | `description.rs`, `examples.json`, `docs.html` | `/openapi.json`, with errors and examples, and `/docs`, which shows it |
//! | `routes/X.rs` | the handlers of `/api/v1/X`: `POST /api/v1/events` is in `routes/events.rs` |
//! | `runs/` | the runs of this daemon: one `RunEntry`, all of them, their start |
//! | `shards.rs`, `shards/` | one run over all its shards: which of them a request is about, and their answers as one |
//! | `state.rs`, `preview_cache.rs` | the state that all handlers share, its limits, and previews that were drawn lately |
//! | `params.rs`, `config_source.rs`, `json_body.rs` | parameters and bodies that several routes share |
//! | `bodies.rs` | bodies as all routes read them, without a server: for fuzzing |
//! | `error.rs`, `error_code.rs`, `access.rs`, `limits.rs`, `body_budget.rs`, `sse.rs` | errors, access check, rate limit, memory of bodies, server-sent events |
//! | `page.rs`, `page/` | the live page, embedded in the program |
//!
//! # Invariants
//!
//! - A request costs what it shows. Work that takes longer runs on a blocking thread, a few at a time.
//! - An address that others can reach needs a token. On loopback no web page of another site gets in.
//! - Nothing here knows a host, a fleet or a config's shape: a handler talks to a `RunHandle`, and to
//!   `promemu_core::config` for names and texts of configs.

mod access;
mod api;
#[doc(hidden)]
pub mod bodies;
mod body_budget;
#[cfg(test)]
mod colours;
mod config_source;
mod daemon;
mod description;
mod error;
mod error_code;
mod exposition_body;
mod json_body;
mod limits;
mod page;
mod params;
mod preview_cache;
mod problem;
mod routes;
mod runs;
mod settings;
mod shards;
mod sse;
mod state;

pub use access::Token;
pub use api::Api;
pub use config_source::{ConfigChoice, ConfigSource};
pub use daemon::{Daemon, Links};
pub use limits::VERSION_HEADER;
pub use runs::{MAIN, RunRequest};
pub use settings::ApiSettings;
