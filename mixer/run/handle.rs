//! A run, read and steered from outside while it runs.
//!
//! [`RunHandle`] is the only way in; the API and the tests use it alike. Reading returns a view, steering sends a
//! command to the run's loop and returns a [`CommandError`] if the run refuses. It knows no HTTP and no config text.

mod chart_lines;
mod command_log;
mod command_params;
mod commands;
mod deeds;
mod drawn_past;
mod error;
mod events;
mod exposition;
mod first_charts;
mod fleet_map;
mod host_action;
mod hosts;
mod levers;
mod lookup;
mod new_host;
mod overrides;
mod overview;
mod past;
mod readings;
mod run_handle;
mod sampler;
mod selection;
mod series;
mod sources;
mod spans;
#[cfg(test)]
mod tests;
mod timeline;
mod timeline_views;
mod value_check;
mod views;

pub use chart_lines::TELLING;
pub(crate) use command_log::CommandLog;
pub use command_params::{LeverMove, NewHost, Override};
pub use error::CommandError;
pub use exposition::Exposition;
pub use first_charts::Sense;
pub(crate) use first_charts::{chart_of, first_charts_of};
pub use fleet_map::FleetMapView;
pub use host_action::HostAction;
pub use hosts::HostFilter;
pub(crate) use run_handle::Request;
pub use run_handle::RunHandle;
pub(crate) use sampler::Reader;
pub use sampler::Sampler;
pub use selection::{RATE, is_operator};
pub use series::SeriesFilter;
pub(crate) use series::series_of;
pub use spans::{MarkView, NextFaultView, SpanView, SpansView};
pub use timeline_views::{FaultView, NextPhaseView, PhaseView, PresentView, TimelineView};
pub use views::{
    ActedView, ChartView, EventView, FamiliesPage, FamilyView, HostDetail, HostView, HostsPage, JobView,
    LeverHostsView, LeverOverrideView, LeverView, ListenedEvent, OutputView, OverrideView, Overview, Posted,
    SeriesPage, SeriesView, ShardView,
};
