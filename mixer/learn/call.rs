//! Records of a config as trees whose leaves are numbers and words: `sine_wave(period: "5m", amplitude: 40)`.
//!
//! Two of them have the same shape if they differ in their numbers alone; then one text can stand for both.

/// The names of the ends of a metric's range among its numbers.
pub(crate) const LOW: &str = "low";
pub(crate) const HIGH: &str = "high";

/// A record with its fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A number.
    Number(f64),
    /// A duration, in seconds.
    Secs(f64),
    /// The ends of a range.
    Range(f64, f64),
    /// A list of numbers.
    Numbers(Vec<f64>),
    /// A word without quotes.
    Word(&'static str),
    /// A text.
    Text(String),
    /// A formula.
    Formula(Vec<Term>),
    /// A record.
    Record(Call),
    /// A list of records.
    Records(Vec<Call>),
    /// Events with the scenario that each begins; the default one without.
    Events(Vec<(String, Option<Call>)>),
}

/// A part of a formula.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    Word(String),
    Number(f64),
}

impl Call {
    pub(crate) const fn new(name: &'static str, fields: Vec<(&'static str, Value)>) -> Self {
        Self { name, fields }
    }

    /// A scenario that is a formula.
    pub(crate) fn script(terms: Vec<Term>) -> Self {
        Self::new("script", vec![("source", Value::Formula(terms))])
    }

    /// The sum of scenarios.
    pub(crate) fn sum(of: Vec<Self>) -> Self {
        Self::new("sum", vec![("of", Value::Records(of))])
    }

    /// The product of scenarios.
    pub(crate) fn product(of: Vec<Self>) -> Self {
        Self::new("product", vec![("of", Value::Records(of))])
    }

    /// The same tree for all records of its shape.
    pub(crate) fn shape(&self) -> String {
        let mut shape = String::new();
        self.put_shape(&mut shape);
        shape
    }

    fn put_shape(&self, to: &mut String) {
        to.push_str(self.name);
        to.push('(');
        for (name, value) in &self.fields {
            to.push_str(name);
            to.push(':');
            match value {
                Value::Number(_) | Value::Secs(_) => to.push('#'),
                Value::Range(low, high) => {
                    // An end without bounds stays so.
                    let end = |end: &f64| if end.is_finite() { '#' } else { '∞' };
                    to.extend([end(low), end(high)]);
                }
                Value::Numbers(numbers) => to.extend(["#", &numbers.len().to_string()]),
                Value::Word(word) => to.push_str(word),
                Value::Text(text) => to.extend(["\"", text, "\""]),
                Value::Formula(terms) => terms.iter().for_each(|term| match term {
                    Term::Word(word) => to.push_str(word),
                    Term::Number(_) => to.push('#'),
                }),
                Value::Record(call) => call.put_shape(to),
                Value::Records(calls) => calls.iter().for_each(|call| call.put_shape(to)),
                Value::Events(events) => events.iter().for_each(|(event, call)| {
                    to.push_str(event);
                    if let Some(call) = call {
                        call.put_shape(to);
                    }
                }),
            }
            to.push(',');
        }
        to.push(')');
    }

    /// All finite numbers, in the order of the text, each with the name of its field.
    pub(crate) fn numbers(&self) -> Vec<(&'static str, f64)> {
        let mut numbers = Vec::new();
        self.put_numbers(&mut numbers);
        numbers.retain(|(_, number)| number.is_finite());
        numbers
    }

    fn put_numbers(&self, to: &mut Vec<(&'static str, f64)>) {
        for (name, value) in &self.fields {
            match value {
                Value::Number(number) | Value::Secs(number) => to.push((name, *number)),
                // All values of a metric are in its range, those of a scenario spread over their own.
                Value::Range(low, high) if self.name == "Metric" => to.extend([(LOW, *low), (HIGH, *high)]),
                Value::Range(low, high) => to.extend([(*name, *low), (*name, *high)]),
                Value::Numbers(numbers) => to.extend(numbers.iter().map(|number| (*name, *number))),
                Value::Formula(terms) => to.extend(terms.iter().filter_map(|term| match term {
                    Term::Number(number) => Some((*name, *number)),
                    Term::Word(_) => None,
                })),
                Value::Record(call) => call.put_numbers(to),
                Value::Records(calls) => calls.iter().for_each(|call| call.put_numbers(to)),
                Value::Events(events) => {
                    events.iter().filter_map(|(_, call)| call.as_ref()).for_each(|call| call.put_numbers(to));
                }
                Value::Word(_) | Value::Text(_) => {}
            }
        }
    }

    /// A field's value.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}
