//! Values of parameters as plugins see them.

use promemu_plugin::abi::{self, Text};

use crate::plugin::ParamValue;
use crate::time::Span;

/// Values that borrow from others, with the arrays of nested ones.
#[derive(Default)]
pub(super) struct Lent {
    items: Vec<Box<[abi::Value]>>,
    keys: Vec<Box<[Text]>>,
}

impl Lent {
    /// The values in the plugin's form. They borrow from `values`, and from `self`, whose arrays stay where they are.
    pub(super) fn lend<'v>(&mut self, values: impl IntoIterator<Item = &'v ParamValue>) -> Box<[abi::Value]> {
        values.into_iter().map(|value| self.value(value)).collect()
    }

    fn value(&mut self, value: &ParamValue) -> abi::Value {
        let nothing = abi::Value {
            kind: 0,
            reserved: 0,
            number: 0.0,
            high: 0.0,
            text: Text::EMPTY,
            numbers: std::ptr::null(),
            numbers_len: 0,
            items: std::ptr::null(),
            keys: std::ptr::null(),
            item_count: 0,
        };
        match value {
            ParamValue::Number(number) => abi::Value { kind: abi::NUMBER, number: *number, ..nothing },
            ParamValue::Duration(span) => {
                let number = if *span == Span::FOREVER { f64::INFINITY } else { span.as_secs_f64() };
                abi::Value { kind: abi::DURATION, number, ..nothing }
            }
            ParamValue::Range((low, high)) => {
                abi::Value { kind: abi::RANGE, number: *low, high: *high, ..nothing }
            }
            ParamValue::WordRange(word, (low, high)) => {
                abi::Value { kind: abi::RANGE, number: *low, high: *high, text: Text::of(word), ..nothing }
            }
            ParamValue::Text(text) => abi::Value { kind: abi::TEXT, text: Text::of(text), ..nothing },
            ParamValue::Numbers(numbers) => abi::Value {
                kind: abi::NUMBERS,
                numbers: numbers.as_ptr(),
                numbers_len: numbers.len(),
                ..nothing
            },
            ParamValue::List(items) => self.nested(abi::LIST, items.iter(), nothing),
            ParamValue::Record(fields) => self.nested(abi::RECORD, fields.iter(), nothing),
            ParamValue::Map(entries) => {
                let keys: Box<[Text]> = entries.iter().map(|(key, _)| Text::of(key)).collect();
                let map = self.nested(abi::MAP, entries.iter().map(|(_, value)| value), nothing);
                let map = abi::Value { keys: keys.as_ptr(), ..map };
                self.keys.push(keys);
                map
            }
        }
    }

    fn nested<'v>(
        &mut self,
        kind: u32,
        values: impl Iterator<Item = &'v ParamValue>,
        nothing: abi::Value,
    ) -> abi::Value {
        let items = self.lend(values);
        let value = abi::Value { kind, items: items.as_ptr(), item_count: items.len(), ..nothing };
        self.items.push(items);
        value
    }
}
