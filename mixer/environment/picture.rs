//! The last observations as text and as pixels.

use crate::environment::Environment;

/// Width of a picture in pixels.
pub const WIDTH: usize = 480;
/// Height of the strip of a column in pixels.
pub const STRIP: usize = 40;
/// The largest number of strips.
pub const STRIPS_MAX: usize = 16;
const PAPER: [u8; 3] = [255, 255, 255];
const FRAME: [u8; 3] = [222, 222, 228];
const LINE: [u8; 3] = [49, 104, 178];
const ALARM: [u8; 3] = [250, 214, 210];

/// The newest observation as lines: each column with its value, and the alarms that fire.
#[must_use]
pub fn text(environment: &Environment) -> String {
    let setup = environment.setup();
    let outcome = environment.outcome();
    let mut text = format!("step {} of {}  reward {:.2}\n", outcome.steps, setup.spec.steps, outcome.reward);
    let width = setup.columns.iter().map(|column| column.label().len()).max().unwrap_or(0);
    for (number, column) in setup.columns.iter().enumerate() {
        let value = environment.numbers()[number];
        let shown = if value.is_nan() { "absent".to_owned() } else { format!("{value:.4}") };
        let fires = setup.alarms.iter().zip(environment.firing());
        let fires = fires.filter(|(alarm, fires)| **fires && alarm.column == number);
        let names: Vec<&str> = fires.map(|(alarm, _)| &*alarm.name).collect();
        let line = format!("{:width$}  {shown:>12}  {}", column.label(), names.join(" "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The height of a picture of so many columns.
#[must_use]
pub fn height(columns: usize) -> usize {
    columns.clamp(1, STRIPS_MAX) * STRIP
}

/// A strip for each of the first columns, with its scaled values as a line and a ground in another colour where one of its alarms
/// fired: red, green and blue of each pixel, row by row. An observation has scaled values, marks, and alarms.
#[must_use]
pub fn pixels(environment: &Environment, observations: &[Vec<f32>]) -> Vec<u8> {
    let setup = environment.setup();
    let count = setup.columns.len();
    let mut pixels = PAPER.repeat(WIDTH * height(count));
    let mut put = |x: usize, y: usize, colour: [u8; 3]| {
        if let Some(pixel) = pixels.get_mut((y * WIDTH + x) * 3..).and_then(|rest| rest.get_mut(..3)) {
            pixel.copy_from_slice(&colour);
        }
    };
    let last = observations.len().max(2) - 1;
    for strip in 0..count.min(STRIPS_MAX) {
        let (top, bottom) = (strip * STRIP + 2, (strip + 1) * STRIP - 3);
        let y_of = |value: f32| bottom - level(value, bottom - top);
        let mut before: Option<usize> = None;
        for x in 0..WIDTH {
            let Some(observation) = observations.get(x * last / (WIDTH - 1)) else { continue };
            let alarms = setup.alarms.iter().zip(&observation[2 * count..]);
            let is_alarm = alarms.into_iter().any(|(alarm, fires)| alarm.column == strip && *fires > 0.5);
            if is_alarm {
                (top..=bottom).for_each(|y| put(x, y, ALARM));
            }
            put(x, bottom + 2, FRAME);
            let is_there = observation[count + strip] > 0.5;
            if is_there {
                let y = y_of(observation[strip]);
                let from = before.unwrap_or(y);
                (from.min(y)..=from.max(y)).for_each(|y| put(x, y, LINE));
                before = Some(y);
            } else {
                before = None;
            }
        }
    }
    pixels
}

/// A scaled value as a number of pixels.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "it is within some tens of pixels"
)]
fn level(value: f32, most: usize) -> usize {
    (value.clamp(0.0, 1.0) * most as f32) as usize
}
