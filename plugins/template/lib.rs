//! A plugin of promemu with one scenario. See docs/plugins.md in promemu's repository.

use promemu_plugin::{Param, Params, Refused, Scenario, Tick, export_plugin};

/// The state of one metric.
struct Climb {
    step: f64,
}

impl Scenario for Climb {
    const NAME: &'static str = "SCENARIO";
    const SUMMARY: &'static str = "grows by a step with each update, more or less";
    // Parameters that a config can set. promemu checks them, and reports errors with their place.
    const PARAMS: &'static [Param] = &[Param::number("step", "1", "growth per update")];

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let step = params.number("step");
        if step <= 0.0 {
            return Err(params.refuse("step", format!("must be above 0, but is {step}")));
        }
        Ok(Self { step })
    }

    // Take random numbers and times from the tick only: then the same seed gives the same values.
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        Ok(Some(tick.value() + self.step * tick.uniform(0.5, 1.5)))
    }
}

export_plugin!(scenarios: [Climb]);
