//! promemu as its users run it: the program itself, against real servers on loopback.
//!
//! `prometheus-pushgateway`, `prometheus` and `promtool` must be on the PATH (Debian packages of the same
//! names), newer servers where `manage.sh` puts them, and Python with `prometheus_client`. A fake gateway is there
//! for faults only.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod actions;
mod api;
mod api_bounds;
mod api_description;
mod api_recordings;
mod block_configs;
mod block_plans;
mod block_queries;
mod block_samples;
mod blocks;
mod cardinality;
mod churn;
mod claims;
mod class_verdicts;
mod cli;
mod client_dashboard;
mod collectors;
mod command_lines;
mod dashboard_budgets;
mod dashboard_schema;
mod dashboard_verdicts;
mod data;
mod databases;
mod docs;
mod drawn_past;
mod dynamics;
mod effects;
mod embedded;
mod export;
mod fake_gateway;
mod faults;
mod files;
mod first_process;
mod fitting;
mod fuzz;
mod golden;
mod history;
mod host_actions;
mod hostile_servers;
mod influxdb;
mod install;
mod kills;
mod kubernetes;
mod levers;
mod live_rates;
mod live_verdicts;
mod logs;
mod memcached;
mod memcached_ledger;
mod memory;
mod namespaces;
mod nats;
mod new;
mod outages;
mod outputs;
mod page_lines;
mod parity;
mod pipelines;
mod playlists;
mod plot;
mod plugin_guide;
mod plugins;
mod populations;
mod prepare;
mod processes;
mod proxy;
mod pushgateway;

mod quality;
mod real_processes;
mod record;
mod recording_dashboards;
mod remote_write;
mod replay;
mod resilience_suite;
mod rig;
mod runs;
mod same_queries;
mod scrape;
mod seaweed;
mod secrets;
mod self_metrics;
mod servers;
mod sharded;
mod shards;
mod shared_outputs;
mod shipped_verdicts;
mod simulated;
mod simulations;
mod stack;
mod storms;
mod structure;
mod systemd;
mod terminals;
mod tiers;
mod timelines;
mod types;
mod upgrade;
mod validation;
mod verdict_modes;
mod verdicts;
mod version;
mod watch;
mod whole_run;
