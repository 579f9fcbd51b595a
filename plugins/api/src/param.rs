//! Parameters: declarations and values.

#![expect(unsafe_code, reason = "values come from the other side")]

use crate::abi::{self, CHOICE, DURATION, NUMBER, NUMBERS, Param, RANGE, TEXT, Text, Value};

impl Param {
    const fn of(kind: u32, name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self {
            kind,
            reserved: 0,
            name: Text::of(name),
            default: Text::of(default),
            help: Text::of(help),
            choices: Text::EMPTY,
        }
    }

    /// A finite number, as in `2.5`. With an empty default it is required, as are all others.
    #[must_use]
    pub const fn number(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::of(NUMBER, name, default, help)
    }

    /// A duration, as in `90s`.
    #[must_use]
    pub const fn duration(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::of(DURATION, name, default, help)
    }

    /// Two finite numbers, as in `(0, 100)`.
    #[must_use]
    pub const fn range(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::of(RANGE, name, default, help)
    }

    /// Text.
    #[must_use]
    pub const fn text(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::of(TEXT, name, default, help)
    }

    /// One of some words, separated by commas.
    #[must_use]
    pub const fn choice(
        name: &'static str,
        choices: &'static str,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self { choices: Text::of(choices), ..Self::of(CHOICE, name, default, help) }
    }

    /// A list of finite numbers, as in `[1, 2]`.
    #[must_use]
    pub const fn numbers(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::of(NUMBERS, name, default, help)
    }
}

/// Values of all parameters; one that was not set has its default.
///
/// Each function panics if the parameter is not declared with its type. promemu reports that when a config is loaded.
#[derive(Debug)]
pub struct Params<'a> {
    declared: &'static [Param],
    setup: &'a abi::Setup,
}

impl<'a> Params<'a> {
    pub(crate) const fn new(declared: &'static [Param], setup: &'a abi::Setup) -> Self {
        Self { declared, setup }
    }

    fn value(&self, name: &str, kind: u32) -> &'a Value {
        // SAFETY: the declaration's texts are constant.
        let named = |param: &Param| unsafe { param.name.bytes() } == name.as_bytes();
        let index = self.declared.iter().position(|param| named(param) && param.kind == kind);
        let values: &'a [Value] = if self.setup.values.is_null() {
            &[]
        } else {
            // SAFETY: promemu passes as many values as it says, for as long as the setup.
            unsafe { std::slice::from_raw_parts(self.setup.values, self.setup.value_count as usize) }
        };
        let value = index.and_then(|index| values.get(index));
        value.unwrap_or_else(|| unknown(name))
    }

    /// A number.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        self.value(name, NUMBER).number
    }

    /// A duration in seconds; infinite if endless.
    #[must_use]
    pub fn seconds(&self, name: &str) -> f64 {
        self.value(name, DURATION).number
    }

    /// A range.
    #[must_use]
    pub fn range(&self, name: &str) -> (f64, f64) {
        let value = self.value(name, RANGE);
        (value.number, value.high)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> &'a str {
        read(self.value(name, TEXT))
    }

    /// The chosen word.
    #[must_use]
    pub fn choice(&self, name: &str) -> &'a str {
        read(self.value(name, CHOICE))
    }

    /// A list of numbers.
    #[must_use]
    pub fn numbers(&self, name: &str) -> &'a [f64] {
        let value = self.value(name, NUMBERS);
        if value.numbers.is_null() {
            return &[];
        }
        // SAFETY: promemu passes as many numbers as it says, for as long as the setup.
        unsafe { std::slice::from_raw_parts(value.numbers, value.numbers_len) }
    }

    /// First value of the metric.
    #[must_use]
    pub const fn metric_value(&self) -> f64 {
        self.setup.value
    }

    /// The metric's `value_range`, if it has one.
    #[must_use]
    pub fn metric_range(&self) -> Option<(f64, f64)> {
        let (low, high) = (self.setup.range_low, self.setup.range_high);
        (low.is_finite() && high.is_finite()).then_some((low, high))
    }
}

#[expect(clippy::panic, reason = "a mistake in the plugin, reported when a config is loaded")]
fn unknown(name: &str) -> ! {
    panic!("parameter {name:?} is not declared with this type")
}

fn read<'a>(value: &Value) -> &'a str {
    // SAFETY: the text lives as long as the setup; promemu's texts are UTF-8.
    std::str::from_utf8(unsafe { value.text.bytes() }).unwrap_or_default()
}
