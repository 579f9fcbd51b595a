//! The reasons for which a run refuses a command. Knows no HTTP: the API maps each variant to a status.

use promemu_core::number::Shown;
use promemu_core::plan::Accepts;

/// A name of a host, an event or a source has at most this many bytes.
pub(super) const NAME_BYTES_MAX: usize = 200;
/// A new host has at most this many labels besides its template's.
pub(super) const LABELS_MAX: usize = 50;
/// A label's value has at most this many bytes.
pub(super) const LABEL_VALUE_BYTES_MAX: usize = 1_000;

/// The reason for which a run refuses a command. The run is unchanged then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// The run has no host of this name.
    #[error("there is no host {name:?}{hint}")]
    UnknownHost {
        /// The name, cut if it is long.
        name: String,
        /// A suggestion, or empty.
        hint: String,
    },
    /// The text is no pattern of hosts; the message says why.
    #[error("{0}")]
    InvalidPattern(String),
    /// No host matches the pattern.
    #[error("no host matches {pattern:?}{hint}")]
    NoHostSelected {
        /// The pattern, cut if it is long.
        pattern: String,
        /// A suggestion, or empty.
        hint: String,
    },
    /// The host has no such metric.
    #[error("host {host:?} has no metric {metric:?}{hint}")]
    UnknownMetric {
        /// The host's name.
        host: String,
        /// The metric's key, cut if it is long.
        metric: String,
        /// A suggestion, or empty.
        hint: String,
    },
    /// A metric of this type cannot show the value.
    #[error("metric {metric:?} {accepts}, but the value is {}", Shown(*.value))]
    ValueNotAccepted {
        /// The metric's name.
        metric: String,
        /// The rule that the value breaks.
        accepts: Accepts,
        /// The value.
        value: f64,
    },
    /// A counter would fall.
    #[error("counter {metric:?} shows {} and would fall to {}; allow_reset lets it", Shown(*.shown), Shown(*.value))]
    CounterFalls {
        /// The counter's name.
        metric: String,
        /// Its value now.
        shown: f64,
        /// The value that is asked for.
        value: f64,
    },
    /// An event's name or source is empty, too long, or has control characters.
    #[error("an event's name and source have 1 to {max} bytes without control characters", max = NAME_BYTES_MAX)]
    InvalidEventName,
    /// An event's data takes too much memory.
    #[error("an event has {max} bytes of data at most, 32 for each value; send less")]
    EventTooLarge {
        /// The limit.
        max: usize,
    },
    /// Only promemu itself emits this event.
    #[error("event {name:?} of source {source_name:?} is promemu's own; choose another name or source")]
    ReservedEvent {
        /// The event's name.
        name: String,
        /// The event's source.
        source_name: String,
    },
    /// The name of a new host is empty, too long, or has control characters.
    #[error("a host's name has 1 to {max} bytes without control characters", max = NAME_BYTES_MAX)]
    InvalidHostName,
    /// No label of the template has its name, so a copy would have the same series.
    #[error(
        "host {template:?} cannot be copied: no label holds its name, so the copy would have the same series; add such a label"
    )]
    TemplateWithoutName {
        /// The template's name.
        template: String,
    },
    /// A new host has more labels than are allowed.
    #[error("a host gets at most {max} labels", max = LABELS_MAX)]
    TooManyLabels,
    /// A label of a new host has no valid name, or promemu or a metric sets it.
    #[error("label {label:?} is not allowed, or is set already by promemu or a metric")]
    LabelNotAllowed {
        /// The label's name.
        label: String,
    },
    /// A label's value is too long.
    #[error("label {label:?} has more than {max} bytes", max = LABEL_VALUE_BYTES_MAX)]
    LabelTooLong {
        /// The label's name.
        label: String,
    },
    /// The run has a host of this name.
    #[error("there is a host {0:?} already; choose another name")]
    HostExists(String),
    /// The host cannot be stopped, as it is not running.
    #[error("host {0:?} does not run")]
    HostNotRunning(String),
    /// The host cannot be started, as it has not stopped.
    #[error("host {0:?} runs already")]
    HostRunning(String),
    /// The host cannot be started before it has stopped.
    #[error("host {0:?} is still stopping; try again")]
    HostStopping(String),
    /// The run has no lever of this name.
    #[error("there is no lever {name:?}{hint}")]
    UnknownLever {
        /// The name, cut if it is long.
        name: String,
        /// A suggestion, or empty.
        hint: String,
    },
    /// The timeline has no phase of this name.
    #[error("there is no phase {name:?}{hint}")]
    UnknownPhase {
        /// The name, cut if it is long.
        name: String,
        /// A suggestion, or empty.
        hint: String,
    },
    /// The run has no fault of this id.
    #[error("there is no fault {id:?}{hint}")]
    UnknownFault {
        /// The id, cut if it is long.
        id: String,
        /// A suggestion, or empty.
        hint: String,
    },
    /// The fault cannot be begun, as it is on.
    #[error("fault {0:?} is on already; end it first")]
    FaultActive(String),
    /// The fault cannot be ended, as it is off.
    #[error("fault {0:?} is not on")]
    FaultNotActive(String),
    /// The run log has no room for another action.
    #[error("the run has too many actions that still hold; release some, or start another run")]
    RunLogFull,
    /// A run keeps at least one host.
    #[error("host {0:?} is the last one; stop the run instead")]
    LastHost(String),
    /// The same for a pattern that selects them all.
    #[error("{pattern:?} selects all {count} hosts, and a run keeps at least one; stop the run instead")]
    AllHosts {
        /// The pattern, cut if it is long.
        pattern: String,
        /// The number of hosts.
        count: usize,
    },
    /// The run would have more series than it may.
    #[error("the run would have {series} series; --max-series allows {max}")]
    TooManySeries {
        /// The number of series with the new host.
        series: usize,
        /// The limit.
        max: usize,
    },
    /// The hosts that were added to the run would take more memory than they may.
    #[error(
        "the hosts added to the run would take {} MiB of memory, and may take {} MiB; remove some of them, or put them into a \
         config",
        bytes.div_ceil(1 << 20), max >> 20
    )]
    TooMuchMemory {
        /// The memory with the new host, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The run is over.
    #[error("the run is over; start another one")]
    RunOver,
}
