//! promemu as its users run it: the program itself, against real servers on loopback.
//!
//! `prometheus-pushgateway`, `prometheus` and `promtool` must be on the PATH (Debian packages of the same
//! names). A fake gateway is there for faults only.

mod cli;
mod embedded;
mod fake_gateway;
mod faults;
mod floors;
mod processes;
mod pushgateway;
