//! Commands of clients as entries of the run's chronicle.

use std::sync::Arc;

use promemu_core::number::Shown;
use promemu_core::time::{Span, Time};

use super::command_params::{LeverMove, Override};
use super::commands::{Command, Outcome};
use super::host_action::HostAction;
use super::lookup::shortened;
use crate::fleet::{Fleet, Stretch, StretchKind};

/// The entry of a command, taken before it is carried out.
#[derive(Debug)]
pub(super) struct Deed {
    kind: StretchKind,
    name: String,
    detail: String,
    target: String,
    course: Course,
}

#[derive(Debug)]
enum Course {
    Lasts(Span),
    /// It ends what another deed has begun.
    Ends,
}

impl Deed {
    /// `None` for a command that shows by itself: as a fault, or as an event.
    pub(super) fn of(command: &Command) -> Option<Self> {
        let hosts = |kind, target: &str, course| Self::new(kind, "", target, course);
        let down = |target: &str, span: Option<Span>| {
            hosts(StretchKind::Down, target, Course::Lasts(span.unwrap_or(Span::FOREVER)))
        };
        let stopped = |target: &str| hosts(StretchKind::Stopped, target, Course::Lasts(Span::FOREVER));
        let started = |target: &str| hosts(StretchKind::Stopped, target, Course::Ends);
        let edit = |words: String| Self::new(StretchKind::Edit, &words, "", Course::Lasts(Span::ZERO));
        let release =
            |target: &str, metric: &str| Self::new(StretchKind::Override, metric, target, Course::Ends);
        Some(match command {
            Command::StopHost(name) => stopped(name),
            Command::StartHost(name) => started(name),
            Command::AddHost(new) => edit(format!("{} is added", shortened(&new.name))),
            Command::RemoveHost(name) => edit(format!("{} is removed", shortened(name))),
            Command::SetOverride { host, metric, wanted } => set(host, metric, wanted),
            Command::ReleaseOverride { host, metric } => release(host, metric),
            Command::Act { hosts: of, action } => match action {
                HostAction::Down { span } => down(of, *span),
                HostAction::Up => hosts(StretchKind::Down, of, Course::Ends),
                HostAction::Stop => stopped(of),
                HostAction::Start => started(of),
                HostAction::Remove => edit(format!("{} is removed", shortened(of))),
                HostAction::Override { metric, wanted } => set(of, metric, wanted),
                HostAction::Release { metric } => release(of, metric),
            },
            Command::MoveLever { lever, wanted: LeverMove { value, span, hosts } } => {
                let course = Course::Lasts(span.unwrap_or(Span::FOREVER));
                let moved = Self::new(StretchKind::Lever, lever, hosts.as_deref().unwrap_or("*"), course);
                Self { detail: Shown(*value).to_string(), ..moved }
            }
            Command::ReleaseLever { lever, hosts } => {
                Self::new(StretchKind::Lever, lever, hosts.as_deref().unwrap_or("*"), Course::Ends)
            }
            Command::SkipTo { phase } => edit(format!("skipped to phase {}", shortened(phase))),
            Command::BeginFault { .. } | Command::EndFault { .. } | Command::Emit { .. } => return None,
        })
    }

    fn new(kind: StretchKind, name: &str, target: &str, course: Course) -> Self {
        Self { kind, name: shortened(name), detail: String::new(), target: shortened(target), course }
    }

    /// Notes it once it is carried out.
    pub(super) fn note(self, outcome: &Outcome, fleet: &Fleet) {
        let begin = outcome.time;
        let end = match self.course {
            Course::Lasts(Span::FOREVER) => Time::NEVER,
            Course::Lasts(span) => begin + span,
            Course::Ends => begin,
        };
        let Self { kind, name, detail, target, course } = self;
        let (root, alerts) = (String::new(), Vec::new());
        let stretch = Stretch { kind, name, detail, target, root, alerts, begin, end };
        let hosts: &[Arc<str>] = &outcome.hosts;
        fleet.note(|chronicle| match course {
            Course::Ends => chronicle.end(&stretch, hosts),
            Course::Lasts(_) => chronicle.begin(stretch, hosts),
        });
    }
}

fn set(hosts: &str, metric: &str, wanted: &Override) -> Deed {
    let course = Course::Lasts(wanted.span.unwrap_or(Span::FOREVER));
    Deed {
        detail: Shown(wanted.value).to_string(),
        ..Deed::new(StretchKind::Override, metric, hosts, course)
    }
}
