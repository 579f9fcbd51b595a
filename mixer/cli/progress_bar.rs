//! A bar of steps that are counted. A command whose work is seconds shows it on a terminal that can draw it, else nothing.

use indicatif::{ProgressBar, ProgressStyle};

use crate::logs::{is_dumb, is_terminal};

/// A bar with the name of what is counted.
#[derive(Debug)]
pub(crate) struct ProgressSteps(ProgressBar);

impl ProgressSteps {
    pub(crate) fn new() -> Self {
        let bar = if is_terminal() && !is_dumb() { ProgressBar::new(1) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn show(&self, of: &'static str, done: usize, all: usize) {
        self.0.set_message(of);
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
