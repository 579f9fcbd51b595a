//! The smallest plugin: a scenario, and a config that uses it.

use promemu_plugin::{ConfigBuilder, Param, Params, Refused, Scenario, Tick, export_plugin};

/// Climbs by steps, and starts again at the bottom of the metric's range.
#[derive(Debug)]
struct Staircase {
    step: f64,
    noise: f64,
    level: f64,
}

impl Scenario for Staircase {
    const NAME: &'static str = "staircase";
    const SUMMARY: &'static str =
        "climbs by a step with each update, and starts again at the top of the value_range";
    const PARAMS: &'static [Param] = &[
        Param::number("step", "1", "climb per update"),
        Param::number("noise", "0", "maximum deviation of a value, up or down"),
    ];

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let (low, _) = params.metric_range().ok_or("the metric needs a value_range, as in (0, 100)")?;
        let (step, noise) = (params.number("step"), params.number("noise"));
        if step <= 0.0 {
            return Err(params.refuse("step", format!("must be above 0, but is {step}")));
        }
        Ok(Self { step, noise, level: low - step })
    }

    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        let (low, high) = tick.range();
        self.level += self.step;
        if self.level > high {
            self.level = low;
        }
        Ok(Some(self.level + tick.uniform(-self.noise, self.noise)))
    }
}

/// Hosts that climb at different paces.
#[derive(Debug)]
struct Staircases;

impl ConfigBuilder for Staircases {
    const NAME: &'static str = "staircases";
    const SUMMARY: &'static str = "hosts that climb stairs, each faster than the one before it";
    const ARGS: &'static [Param] = &[Param::number("hosts", "3", "number of hosts")];

    fn build(args: &Params<'_>) -> Result<String, Refused> {
        let hosts = args.number("hosts");
        if hosts < 1.0 || hosts.fract() != 0.0 {
            return Err(args.refuse("hosts", format!("must be a whole number above 0, but is {hosts}")));
        }
        Ok(format!(
            r#"Config(default_job_name: "staircases", hosts: [
                Host(repeat: Repeat(var: "i", from: 1, to: {hosts}), name: "climber-{{i}}", metrics: [
                    Metric(name: "floor", value_range: (0, 100), scenario: staircase(step: "{{i}}")),
                ]),
            ])"#
        ))
    }
}

export_plugin!(scenarios: [Staircase], configs: [Staircases]);
