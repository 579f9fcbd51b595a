//! Repetitions: their counts and values.

use super::resolver::Resolver;
use crate::config::arguments;
use crate::config::template::{Over, RepeatTemplate};
use crate::config::value::{Scalar, describe};
use crate::error::SourceSpan;
use crate::expression::Value;

/// The values of one repetition.
enum Values {
    Range(i64, i64),
    List(Vec<Value>),
}

impl Values {
    fn count(&self) -> usize {
        match self {
            Self::Range(from, to) => usize::try_from(to.saturating_sub(*from).saturating_add(1)).unwrap_or(0),
            Self::List(items) => items.len(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = Value> {
        let value = |(n, index): (i64, usize)| match self {
            Self::Range(from, _) => Value::Int(from + n),
            Self::List(items) => items[index].clone(),
        };
        (0..).zip(0..self.count()).map(value)
    }
}

impl RepeatTemplate {
    /// Names that its values need.
    fn names(&self) -> impl Iterator<Item = &str> {
        let names: Vec<&str> = match &self.over {
            Over::Range(from, to) => from.names().chain(to.names()).collect(),
            Over::Items(items) => items.iter().flat_map(Scalar::names).collect(),
            Over::List(list) => list.names().collect(),
        };
        names.into_iter()
    }
}

impl Resolver<'_> {
    /// The number of items that nested repetitions make together, the outermost first. Counting ends above the limit
    /// of series.
    pub(super) fn count(&mut self, repeats: &[RepeatTemplate]) -> Option<usize> {
        let Some((repeat, inner)) = repeats.split_first() else { return Some(1) };
        let values = self.values(repeat)?;
        if inner.is_empty() || values.count() > self.series_max {
            return Some(values.count());
        }
        let varies = inner.iter().any(|inner| inner.names().any(|name| name == repeat.var));
        let mut total = 0usize;
        let mark = self.names.mark();
        for value in values.iter() {
            self.names.set(&repeat.var, value);
            let count = self.count(inner);
            self.names.rewind(mark);
            if !varies {
                return Some(values.count().saturating_mul(count?));
            }
            // An empty inner repetition takes time, too.
            total = total.saturating_add(count?.max(1));
            if total > self.series_max {
                return Some(total);
            }
        }
        Some(total)
    }

    /// The count if it is known now; 1 if it depends on a host's values.
    pub(super) fn certain_count(&mut self, repeats: &[RepeatTemplate]) -> usize {
        let mark = self.names.mark();
        let mut is_known = true;
        for repeat in repeats {
            is_known &= repeat.names().all(|name| self.names.contains(name));
            self.names.set(&repeat.var, Value::Int(0));
        }
        self.names.rewind(mark);
        if is_known { self.count(repeats).unwrap_or(1) } else { 1 }
    }

    /// Calls `work` for each combination of values; ends at its first `None`.
    pub(super) fn repeated(
        &mut self,
        repeats: &[RepeatTemplate],
        work: &mut impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        let Some((repeat, inner)) = repeats.split_first() else { return work(self) };
        let values = self.values(repeat)?;
        if values.count() == 0 {
            return self.note_empty(repeat.span);
        }
        let mark = self.names.mark();
        for value in values.iter() {
            self.names.set(&repeat.var, value);
            let outcome = self.repeated(inner, work);
            self.names.rewind(mark);
            outcome?;
        }
        Some(())
    }

    /// Counts a repetition without items: it makes nothing that other limits count, but takes time. `None`, and an
    /// error, if there are too many.
    fn note_empty(&mut self, span: SourceSpan) -> Option<()> {
        if self.problems.is_over() {
            return None;
        }
        self.empty_repeats += 1;
        if self.empty_repeats <= self.series_max {
            return Some(());
        }
        let max = self.series_max;
        let message =
            format!("repeat has no items, more than {max} times; lower the count of those around it");
        self.problems.error(span, message);
        None
    }

    fn values(&mut self, repeat: &RepeatTemplate) -> Option<Values> {
        let var = &repeat.var;
        if !arguments::is_free_name(var) || self.names.contains(var) {
            let message = format!("repeat cannot use {var:?} as its var; choose another name");
            self.problems.error(repeat.span, message);
            return None;
        }
        match &repeat.over {
            Over::Range(from, to) => Some(Values::Range(self.value("from", from)?, self.value("to", to)?)),
            Over::Items(items) => {
                let items = items.iter().map(|item| self.value("in", item));
                items.collect::<Option<_>>().map(Values::List)
            }
            Over::List(list) => match self.value::<Value>("in", list)? {
                Value::List(items) => Some(Values::List(items)),
                other => {
                    let found = describe(&other);
                    self.problems.error(list.span, format!("in takes a list, as in [a, b]; found {found}"));
                    None
                }
            },
        }
    }
}
