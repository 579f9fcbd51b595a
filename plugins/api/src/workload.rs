//! The trait of workloads, and the pool that they fill.

#![expect(unsafe_code, reason = "promemu's functions are called")]

use crate::abi::{self, COUNTER, Family, GAUGE, Param, Text};
use crate::{Params, Refused, Tick};

/// Maximum number of labels of a workload.
pub const LABELS_MAX: usize = 16;

/// Fills a pool of a host: rows that begin and end, each with labels and metrics of its own. Each host has an instance
/// of its own.
///
/// ```
/// use promemu_plugin::{Family, Param, Params, Pool, Refused, Tick, Workload, export_plugin};
///
/// /// Guests of a hotel. With each update one leaves, and another one comes.
/// struct Guests {
///     rooms: u32,
///     came: u32,
/// }
///
/// impl Workload for Guests {
///     const NAME: &'static str = "guests";
///     const SUMMARY: &'static str = "guests of a hotel";
///     const PARAMS: &'static [Param] = &[Param::number("rooms", "10", "number of rooms")];
///     const LABELS: &'static str = "guest, room";
///     const FAMILIES: &'static [Family] = &[Family::counter("coffees_total", "cups that the guest had")];
///
///     fn new(params: &Params<'_>) -> Result<Self, Refused> {
///         let rooms = params.number("rooms");
///         if (1.0..=1000.0).contains(&rooms) {
///             Ok(Self { rooms: rooms as u32, came: 0 })
///         } else {
///             Err(params.refuse("rooms", format!("must be from 1 to 1000, but is {rooms}")))
///         }
///     }
///
///     fn pool_size(&self) -> u32 {
///         self.rooms
///     }
///
///     fn update(&mut self, tick: &mut Tick<'_>, pool: &mut Pool<'_>) -> Result<(), String> {
///         let room = self.came % self.rooms;
///         self.came += 1;
///         pool.begin(room, tick.now_nanos(), &[&format!("guest-{}", self.came), &room.to_string()]);
///         for room in 0..self.rooms.min(self.came) {
///             pool.values(room)[0] += tick.uniform(0.0, 2.0).floor();
///         }
///         Ok(())
///     }
/// }
///
/// export_plugin!(workloads: [Guests]);
/// ```
pub trait Workload: Send + Sized + 'static {
    /// Name in configs, as for [`crate::Scenario::NAME`].
    const NAME: &'static str;
    /// One line on its purpose.
    const SUMMARY: &'static str;
    /// Its parameters.
    const PARAMS: &'static [Param] = &[];
    /// Names of the labels of a row, separated by commas, [`LABELS_MAX`] at most. No two rows may have the same labels.
    const LABELS: &'static str;
    /// Metrics of a row.
    const FAMILIES: &'static [Family];
    /// Events that it handles, as for [`crate::Scenario::LISTENS`].
    const LISTENS: &'static str = "";
    /// Events that it may emit, separated by commas.
    const EMITS: &'static str = "";

    /// Creates the state of one host. [`Params::refuse`] says which parameter is wrong and how; that is reported when a
    /// config is loaded, at the parameter's place.
    fn new(params: &Params<'_>) -> Result<Self, Refused>;

    /// Number of slots, some of which may be empty. Constant for a state.
    fn pool_size(&self) -> u32;

    /// Advances to the tick's time: begins and ends rows, and writes the values that have changed. After an error all
    /// values stay; rows that began or ended before it stay so.
    fn update(&mut self, tick: &mut Tick<'_>, pool: &mut Pool<'_>) -> Result<(), String>;
}

/// The slots of a workload during an update.
#[derive(Debug)]
pub struct Pool<'a> {
    tick: &'a abi::Tick,
    values: &'a mut [f64],
    families: usize,
}

impl Family {
    const fn of(kind: u32, name: &'static str, help: &'static str) -> Self {
        Self { kind, reserved: 0, name: Text::of(name), help: Text::of(help), labels: Text::EMPTY }
    }

    /// A gauge: a number that goes up and down.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::of(GAUGE, name, help)
    }

    /// A counter: a total, which only grows during the life of a row.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::of(COUNTER, name, help)
    }

    /// Adds labels to the family, as `name=value`, separated by commas. Families of one name must differ in them.
    #[must_use]
    pub const fn labelled(self, labels: &'static str) -> Self {
        Self { labels: Text::of(labels), ..self }
    }
}

impl<'a> Pool<'a> {
    pub(crate) const fn new(tick: &'a abi::Tick, values: &'a mut [f64], families: usize) -> Self {
        Self { tick, values, families }
    }

    /// Begins a row in a slot, and ends the previous one. `began_nanos` counts since the Unix epoch; `labels` has a text
    /// for each of [`Workload::LABELS`], in their order. The slot's values become 0.
    pub fn begin(&mut self, slot: u32, began_nanos: u64, labels: &[&str]) {
        let mut texts = [Text::EMPTY; LABELS_MAX];
        for (text, label) in texts.iter_mut().zip(labels) {
            *text = Text { data: label.as_ptr(), len: label.len() };
        }
        self.values(slot).fill(0.0);
        // SAFETY: the context is the one that came with this tick, whose call is not over; the texts are borrowed for
        // the call, and are as many as there may be labels.
        unsafe { ((*self.tick.host).begin)(self.tick.context, slot, began_nanos, texts.as_ptr()) }
    }

    /// Ends the row in a slot.
    pub fn end(&mut self, slot: u32) {
        // SAFETY: as above.
        unsafe { ((*self.tick.host).end)(self.tick.context, slot) }
    }

    /// The values in a slot, one for each of [`Workload::FAMILIES`]; empty if the slot does not exist.
    pub fn values(&mut self, slot: u32) -> &mut [f64] {
        self.values.chunks_exact_mut(self.families.max(1)).nth(slot as usize).unwrap_or_default()
    }
}
