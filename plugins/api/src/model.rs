//! The traits of models and generators.

use std::time::Duration;

use crate::abi::Param;
use crate::{Params, Refused, Table, Tables, Tick};

/// Fills tables of a host: rows that begin and end, each with labels and metrics of its own. Each host has an instance
/// of its own. The same seed must give the same rows.
///
/// ```
/// use promemu_plugin::{Family, Model, Param, Params, Refused, Table, Tables, Tick, export_plugin};
///
/// /// Guests of a hotel. With each tick one leaves, and another one comes.
/// struct Guests {
///     rooms: u32,
///     came: u32,
/// }
///
/// impl Model for Guests {
///     const NAME: &'static str = "guests";
///     const SUMMARY: &'static str = "guests of a hotel";
///     const PARAMS: &'static [Param] = &[Param::number("rooms", "10", "number of rooms")];
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
///     fn describe(&self) -> Result<Vec<Table>, String> {
///         Ok(vec![Table {
///             name: "guests".to_owned(),
///             labels: "guest, room".to_owned(),
///             rows_max: self.rooms,
///             families: vec![
///                 Family::counter("coffees_total", "cups that the guest had"),
///                 Family::histogram("stay_hours", "length of a stay", &[12.0, 24.0, 48.0]),
///             ],
///         }])
///     }
///
///     fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
///         let room = self.came % self.rooms;
///         self.came += 1;
///         tables.begin(0, room, tick.now_nanos(), &[&format!("guest-{}", self.came), &room.to_string()]);
///         tables.observe(0, room, 1, tick.uniform(8.0, 60.0), 1);
///         for room in 0..self.rooms.min(self.came) {
///             tables.row(0, room)[0] += tick.uniform(0.0, 2.0).floor();
///         }
///         Ok(())
///     }
/// }
///
/// export_plugin!(models: [Guests]);
/// ```
pub trait Model: Send + Sized + 'static {
    /// Name in configs, as for [`crate::Scenario::NAME`].
    const NAME: &'static str;
    /// One line on its purpose.
    const SUMMARY: &'static str;
    /// Its parameters.
    const PARAMS: &'static [Param] = &[];
    /// Events that it handles, as for [`crate::Scenario::LISTENS`].
    const LISTENS: &'static str = "";
    /// Events that it may emit, separated by commas.
    const EMITS: &'static str = "";
    /// `true` if it has [`Self::save`] and [`Self::load`]; otherwise there are no snapshots of its hosts.
    const SAVES: bool = false;

    /// Creates the state of one host. [`Params::refuse`] says which parameter is wrong and how; that is reported when a
    /// config is loaded, at the parameter's place.
    fn new(params: &Params<'_>) -> Result<Self, Refused>;

    /// Its tables. They may follow from its parameters, or from a file; the same parameters must give the same tables.
    fn describe(&self) -> Result<Vec<Table>, String>;

    /// Advances to the tick's time, or handles its event: begins and ends rows, writes the values that have changed, and
    /// observes. After an error all values stay; rows that began or ended before it stay so.
    fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String>;

    /// The state in bytes, for snapshots.
    fn save(&self) -> Result<Vec<u8>, String> {
        Err("it has no save".to_owned())
    }

    /// The state that was saved.
    fn load(params: &Params<'_>, saved: &[u8]) -> Result<Self, Refused> {
        let _ = (params, saved);
        Err("it has no load".into())
    }
}

/// A model's live sibling: does real work in threads of its own, and reports what it has measured. It has no virtual
/// time: promemu refuses it in exports, plots and the like.
pub trait Generator: Send + Sized + 'static {
    /// Name in configs, as for [`crate::Scenario::NAME`].
    const NAME: &'static str;
    /// One line on its purpose.
    const SUMMARY: &'static str;
    /// Its parameters.
    const PARAMS: &'static [Param] = &[];
    /// Events that it handles, as for [`crate::Scenario::LISTENS`].
    const LISTENS: &'static str = "";
    /// Events that it may emit, separated by commas.
    const EMITS: &'static str = "";

    /// Checks the parameters; starts nothing. Also called when a config is loaded.
    fn new(params: &Params<'_>) -> Result<Self, Refused>;

    /// As [`Model::describe`].
    fn describe(&self) -> Result<Vec<Table>, String>;

    /// Starts its threads. Called once, before the first [`Self::collect`].
    fn start(&mut self) -> Result<(), String>;

    /// Reports what has been measured, or hears the tick's event. Returns at once: it never waits for its threads.
    fn collect(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String>;

    /// Ends its threads within the deadline. A generator that takes longer is left behind, and the run goes on ending.
    fn stop(&mut self, deadline: Duration);
}
