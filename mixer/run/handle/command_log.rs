//! The trace of clients' commands: each that is carried out leaves a line in the log and an event in the stream.
//!
//! The event goes to listeners outside of the run only: hosts do not hear it, so that it changes no value.

use serde_json::{Map, Value};
use tracing::{info, warn};

use promemu_core::event::{CLIENT_ACTION, CLIENT_SOURCE};
use promemu_core::time::{Span, Time};

use super::command_params::{LeverMove, Override};
use super::commands::{Command, Outcome};
use super::deeds::Deed;
use super::host_action::HostAction;
use super::lookup::shortened;
use crate::fleet::Fleet;

/// The most commands that are logged in a real second. Their events have the bounds of the stream.
const LINES_MAX: u32 = 50;

/// The lines of a run's commands in the present second.
#[derive(Debug)]
pub(crate) struct CommandLog {
    second_begins: Time,
    lines: u32,
}

impl Default for CommandLog {
    fn default() -> Self {
        Self { second_begins: Time::from_unix_nanos(0), lines: 0 }
    }
}

/// A command in words, taken before it is carried out.
#[derive(Debug)]
pub(super) struct Told {
    /// The event's data.
    fields: Map<String, Value>,
    /// `false` for an event of a client, which is in the stream anyway.
    is_streamed: bool,
    deed: Option<Deed>,
}

impl CommandLog {
    /// Notes a command that a run has carried out.
    pub(super) fn note(&mut self, mut told: Told, outcome: &Outcome, fleet: &Fleet) {
        fleet.mark_changed();
        if !outcome.hosts.is_empty() {
            told.fields.insert("count".to_owned(), outcome.hosts.len().into());
        }
        if self.has_line(fleet.clock().real().now()) {
            let field = |name: &str| told.fields.get(name);
            let text = |name: &str| field(name).and_then(Value::as_str);
            info!(
                action = text("action"),
                hosts = text("hosts"),
                metric = text("metric"),
                lever = text("lever"),
                phase = text("phase"),
                fault = text("fault"),
                event = text("event"),
                source = text("source"),
                value = field("value").and_then(serde_json::Value::as_f64),
                "for" = text("for"),
                count = field("count").and_then(serde_json::Value::as_u64),
                by = CLIENT_SOURCE,
                "client action"
            );
        }
        if let Some(deed) = told.deed.take() {
            deed.note(outcome, fleet);
        }
        if told.is_streamed {
            fleet.tell_outside(CLIENT_ACTION, Value::Object(told.fields), outcome.time);
        }
    }

    /// Counts a line, unless the second has too many.
    fn has_line(&mut self, now: Time) -> bool {
        if now.since(self.second_begins) >= Span::from_secs(1) {
            (self.second_begins, self.lines) = (now, 0);
        }
        self.lines = self.lines.saturating_add(1);
        if self.lines == LINES_MAX + 1 {
            warn!(max = LINES_MAX, "further client actions of this second are not logged");
        }
        self.lines <= LINES_MAX
    }
}

impl Told {
    pub(super) fn of(command: &Command) -> Self {
        let told = |action: &str, parts: &[(&str, &str)]| {
            let parts = parts.iter().map(|(name, text)| ((*name).to_owned(), shortened(text).into()));
            std::iter::once(("action".to_owned(), action.into())).chain(parts).collect()
        };
        let host = |action: &str, hosts: &str| told(action, &[("hosts", hosts)]);
        let metric =
            |action: &str, hosts: &str, metric: &str| told(action, &[("hosts", hosts), ("metric", metric)]);
        let lever = |action: &str, lever: &str, hosts: Option<&str>| {
            told(action, &[("lever", lever), ("hosts", hosts.unwrap_or("*"))])
        };
        let (value, lasts) = match command {
            Command::SetOverride { wanted, .. }
            | Command::Act { action: HostAction::Override { wanted, .. }, .. } => {
                let Override { value, span, may_fall: _ } = wanted;
                (Some(*value), *span)
            }
            Command::MoveLever { wanted: LeverMove { value, span, .. }, .. } => (Some(*value), *span),
            Command::Act { action: HostAction::Down { span }, .. } => (None, *span),
            Command::BeginFault { lasts, .. } => (None, *lasts),
            _ => (None, None),
        };
        let mut fields: Map<String, Value> = match command {
            Command::StopHost(name) => host("stop", name),
            Command::StartHost(name) => host("start", name),
            Command::AddHost(new) => host("add", &new.name),
            Command::RemoveHost(name) => host("remove", name),
            Command::SetOverride { host, metric: of, .. } => metric("override", host, of),
            Command::ReleaseOverride { host, metric: of } => metric("release", host, of),
            Command::Act { hosts, action } => match action {
                HostAction::Down { .. } => host("down", hosts),
                HostAction::Up => host("up", hosts),
                HostAction::Stop => host("stop", hosts),
                HostAction::Start => host("start", hosts),
                HostAction::Remove => host("remove", hosts),
                HostAction::Override { metric: of, .. } => metric("override", hosts, of),
                HostAction::Release { metric: of } => metric("release", hosts, of),
            },
            Command::MoveLever { lever: of, wanted } => lever("lever", of, wanted.hosts.as_deref()),
            Command::ReleaseLever { lever: of, hosts } => lever("release_lever", of, hosts.as_deref()),
            Command::SkipTo { phase } => told("skip", &[("phase", phase)]),
            Command::BeginFault { id, .. } => told("begin_fault", &[("fault", id)]),
            Command::EndFault { id } => told("end_fault", &[("fault", id)]),
            Command::Emit { name, source, .. } => told("emit", &[("event", name), ("source", source)]),
        };
        fields.extend(value.map(|value| ("value".to_owned(), value.into())));
        fields.extend(lasts.map(|lasts| ("for".to_owned(), lasts.to_string().into())));
        let is_streamed = !matches!(command, Command::Emit { .. });
        Self { fields, is_streamed, deed: Deed::of(command) }
    }
}
