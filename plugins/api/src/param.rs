//! Parameters: declarations and values.

#![expect(unsafe_code, reason = "values come from the other side")]

use std::fmt::Display;

use crate::Refused;
use crate::abi::{
    self, CHOICE, DURATION, FROM_FILE, LIST, MAP, NUMBER, NUMBERS, Param, RANGE, RECORD, TEXT, Text, Value,
    size_of_table,
};

impl Param {
    const fn of(kind: u32, name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self {
            kind,
            flags: 0,
            name: Text::of(name),
            default: Text::of(default),
            help: Text::of(help),
            choices: Text::EMPTY,
            fields: std::ptr::null(),
            field_count: 0,
            field_size: size_of_table::<Self>(),
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

    /// A list, as in `[a, b]`. All values have this declaration; its name stands in a record's place, as in `Program(…)`
    /// for `program`.
    #[must_use]
    pub const fn list(
        name: &'static str,
        of: &'static Self,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self { fields: of, field_count: 1, ..Self::of(LIST, name, default, help) }
    }

    /// A map, as in `{ "a": 1, "b": 2 }`. All values have this declaration.
    #[must_use]
    pub const fn map(
        name: &'static str,
        of: &'static Self,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self { fields: of, field_count: 1, ..Self::of(MAP, name, default, help) }
    }

    /// A record, as in `(low: 1, high: 2)`, with the parameters' names as fields.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a record has few fields")]
    pub const fn record(
        name: &'static str,
        fields: &'static [Self],
        default: &'static str,
        help: &'static str,
    ) -> Self {
        let (first, count) = (fields.as_ptr(), fields.len() as u32);
        Self { fields: first, field_count: count, ..Self::of(RECORD, name, default, help) }
    }

    /// Adds words, separated by commas: one of them stands before a range, as in `steady(0, 1)`, and may stand in place of
    /// a list, a map or a record.
    #[must_use]
    pub const fn with_words(self, words: &'static str) -> Self {
        Self { choices: Text::of(words), ..self }
    }

    /// A list, a map or a record that may also be in a file of its own, whose path, ending in `.ron`, stands in its place.
    #[must_use]
    pub const fn or_file(self) -> Self {
        Self { flags: FROM_FILE, ..self }
    }
}

/// Values of all parameters, or of a part of them; one that was not set has its default.
///
/// Each function panics if the parameter is not declared with its type. promemu reports that when a config is loaded.
#[derive(Debug)]
pub struct Params<'a> {
    declared: &'static [Param],
    values: &'a [Value],
    setup: &'a abi::Setup,
    path: String,
    /// `true` for one value of a list or map that is no record: the path is its own.
    is_item: bool,
}

impl<'a> Params<'a> {
    pub(crate) const fn new(declared: &'static [Param], setup: &'a abi::Setup) -> Self {
        // SAFETY: promemu passes as many values as it says, for as long as the setup.
        let values = unsafe { slice(setup.values, setup.value_count as usize) };
        Self { declared, values, setup, path: String::new(), is_item: false }
    }

    fn entry(&self, name: &str, kind: u32) -> (&'static Param, &'a Value) {
        // SAFETY: the declaration's texts are constant.
        let named = |param: &&Param| unsafe { param.name.bytes() } == name.as_bytes();
        let found =
            self.declared.iter().zip(self.values).find(|(param, _)| named(param) && param.kind == kind);
        found.unwrap_or_else(|| unknown(name))
    }

    fn value(&self, name: &str, kind: u32) -> &'a Value {
        self.entry(name, kind).1
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

    /// The word before a range, and the range.
    #[must_use]
    pub fn word_range(&self, name: &str) -> (&'a str, (f64, f64)) {
        let value = self.value(name, RANGE);
        (read(value), (value.number, value.high))
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
        // SAFETY: promemu passes as many numbers as it says, for as long as the setup.
        unsafe { slice(value.numbers, value.numbers_len) }
    }

    /// The word that stands in place of a list, a map or a record; `None` if the value itself is there.
    #[must_use]
    pub fn word(&self, name: &str) -> Option<&'a str> {
        // SAFETY: the declaration's texts are constant.
        let named = |param: &&Param| unsafe { param.name.bytes() } == name.as_bytes();
        let found = self.declared.iter().zip(self.values).find(|(param, _)| named(param));
        let value = found.map_or_else(|| unknown(name), |(_, value)| value);
        (value.kind == TEXT).then(|| read(value))
    }

    /// The fields of a record. Without effect on a word in its place: each field is then missing.
    #[must_use]
    pub fn record(&self, name: &str) -> Self {
        let (param, value) = self.entry(name, RECORD);
        self.part(fields(param), items(value), self.path_of(name), false)
    }

    /// The values of a list, each as the fields of its record, or else under the name of its declaration.
    #[must_use]
    pub fn items(&self, name: &str) -> Vec<Self> {
        let (param, value) = self.entry(name, LIST);
        let path = self.path_of(name);
        let values = items(value).iter().enumerate();
        values.map(|(n, value)| self.item(param, value, format!("{path}[{n}]"))).collect()
    }

    /// The values of a map with their texts, each as in [`Self::items`].
    #[must_use]
    pub fn entries(&self, name: &str) -> Vec<(&'a str, Self)> {
        let (param, value) = self.entry(name, MAP);
        // SAFETY: promemu passes a text for each value, for as long as the setup.
        let keys = unsafe { slice(value.keys, value.item_count) };
        let path = self.path_of(name);
        let entries = keys.iter().map(|key| text(*key)).zip(items(value));
        entries.map(|(key, value)| (key, self.item(param, value, format!("{path}[{key:?}]")))).collect()
    }

    fn item(&self, of: &'static Param, value: &'a Value, path: String) -> Self {
        let declared = fields(of);
        match declared {
            [record] if record.kind == RECORD => self.part(fields(record), items(value), path, false),
            _ => self.part(declared, std::slice::from_ref(value), path, true),
        }
    }

    const fn part(
        &self,
        declared: &'static [Param],
        values: &'a [Value],
        path: String,
        is_item: bool,
    ) -> Self {
        Self { declared, values, setup: self.setup, path, is_item }
    }

    fn path_of(&self, name: &str) -> String {
        match (self.path.as_str(), self.is_item) {
            (path, true) => path.to_owned(),
            ("", false) => name.to_owned(),
            (path, false) => format!("{path}.{name}"),
        }
    }

    /// Refuses a parameter, with a reason that follows its name: `must be above 0, but is -1`. promemu reports it at the
    /// parameter's place, with all others that are refused before `new` returns.
    pub fn refuse(&self, name: &str, reason: impl Display) -> Refused {
        self.tell(&self.path_of(name), &reason.to_string())
    }

    /// Refuses these parameters as a whole: an item of a list, or a record.
    pub fn refuse_all(&self, reason: impl Display) -> Refused {
        self.tell(&self.path, &reason.to_string())
    }

    fn tell(&self, path: &str, reason: &str) -> Refused {
        // SAFETY: promemu's table lives as long as the process, and the setup as long as its call; the texts are borrowed
        // for this call.
        unsafe {
            ((*self.setup.host).refuse)(self.setup.context, Text::of(path), Text::of(reason));
        }
        Refused::told()
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

/// The elements of an array; none if it is null.
///
/// # Safety
///
/// Unless it is null, there must be so many elements, which stay unchanged for `'a`.
const unsafe fn slice<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: as the caller has promised.
    unsafe { std::slice::from_raw_parts(first, count) }
}

fn items<'a>(value: &Value) -> &'a [Value] {
    // SAFETY: promemu passes as many values as it says, for as long as the setup.
    unsafe { slice(value.items, value.item_count) }
}

fn fields(param: &'static Param) -> &'static [Param] {
    // SAFETY: the constructors of parameters take constants.
    unsafe { slice(param.fields, param.field_count as usize) }
}

fn text<'a>(text: Text) -> &'a str {
    // SAFETY: the text lives as long as the setup; promemu's texts are UTF-8.
    std::str::from_utf8(unsafe { text.bytes() }).unwrap_or_default()
}

fn read<'a>(value: &Value) -> &'a str {
    text(value.text)
}
