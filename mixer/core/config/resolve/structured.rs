//! The values of structured parameters of plugins, and the places of those that a plugin refuses.

use super::resolver::Resolver;
use crate::config::template::{ParamTemplate, StructuredTemplate, StructuredValue};
use crate::error::{SourceSpan, suggestion};
use crate::plugin::{ParamType, ParamValue, Refusal};
use crate::scenario::Param;

impl Resolver<'_> {
    /// The value of a structured parameter, with all problems in it.
    pub(super) fn structured(&mut self, template: &StructuredTemplate) -> Option<ParamValue> {
        let name = template.declared.name.as_str();
        Some(match &template.value {
            StructuredValue::Number(scalar) => ParamValue::Number(self.value(name, scalar)?),
            StructuredValue::Duration(scalar) => ParamValue::Duration(self.value(name, scalar)?),
            StructuredValue::Range(range) => ParamValue::Range(self.range(name, range)?),
            StructuredValue::WordRange(word, range) => {
                ParamValue::WordRange(word.clone(), self.range(name, range)?)
            }
            StructuredValue::Text(scalar) => ParamValue::Text(self.value(name, scalar)?),
            StructuredValue::Choice(scalar, words) => {
                let text = self.value(name, scalar)?;
                if !words.contains(&text) {
                    let hint = suggestion(&text, words);
                    self.problems.error(scalar.span, format!("unknown {name} {text:?}{hint}"));
                    return None;
                }
                ParamValue::Text(text)
            }
            StructuredValue::Numbers(scalars) => {
                let numbers: Vec<_> = scalars.iter().map(|scalar| self.value(name, scalar)).collect();
                ParamValue::Numbers(numbers.into_iter().collect::<Option<_>>()?)
            }
            StructuredValue::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.structured(item)).collect();
                ParamValue::List(items.into_iter().collect::<Option<_>>()?)
            }
            StructuredValue::Map(entries) => {
                let values = entries.iter().map(|(key, value)| (key.clone(), self.structured(value)));
                let values: Vec<_> = values.collect();
                let known = values.into_iter().map(|(key, value)| Some((key, value?)));
                ParamValue::Map(known.collect::<Option<_>>()?)
            }
            StructuredValue::Record(fields) => {
                let ParamType::Record(declared) = &template.declared.param_type else { return None };
                let values = fields.iter().zip(declared).map(|(field, declared)| match field {
                    Some(field) => self.structured(field),
                    None => declared.default.clone(),
                });
                let values: Vec<_> = values.collect();
                ParamValue::Record(values.into_iter().collect::<Option<_>>()?)
            }
        })
    }

    /// Reports the parameters that a plugin refuses, each at its place.
    pub(super) fn refuse_params(
        &mut self,
        name: &str,
        span: SourceSpan,
        params: &[(&'static Param, ParamTemplate)],
        refusals: &[Refusal],
    ) {
        for refusal in refusals {
            let path = refusal.path.as_str();
            let (first, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
            let given = params.iter().find(|(param, _)| param.name == first);
            let place = given.and_then(|(_, template)| template.place(rest)).unwrap_or(span);
            self.problems.error(place, format!("{name}: {refusal}"));
        }
    }
}
