//! Any body is read by each route of the API; a posted config loads or is refused, and an event reaches hosts.

use std::sync::Arc;

use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::preview::FirstValues;
use promemu_core::time::{Span, Time};
use promemu_core::world::World;

const START: Time = Time::from_unix_secs(1_767_600_000);

/// A host that hears an event and looks at its data.
const HEARER: &str = r#"Config(hosts: [Host(name: "h", metrics: [
    Metric(name: "m", listen_events: ["go"], scenario: script(source: "storage.last = event.data; value + 1")),
])])"#;

/// Reads the body, and carries out what it asks for.
pub(crate) fn check(data: &[u8]) {
    let requested = promemu_api::bodies::read(data);
    for (file, options) in requested.configs {
        let options = LoadOptions { series_max: 200, memory_max: 64 << 20, ..options };
        match file.plan(&options) {
            Ok(loaded) => drop(FirstValues::of(&Arc::new(loaded.plan), 1, START)),
            Err(error) => drop(error.to_string()),
        }
    }
    if let Some((name, source, data)) = requested.event {
        let plan = ConfigFile::from_text("hearer", HEARER).plan(&LoadOptions::starting_at(START));
        let plan = Arc::new(plan.expect("the config is good").plan);
        let mut world = World::new(plan, 1, START).expect("the config has no generators");
        world.advance(START + Span::from_secs(3));
        world.inject(&name, source.as_deref().unwrap_or("api"), data);
        world.advance(START + Span::from_secs(4));
    }
}
