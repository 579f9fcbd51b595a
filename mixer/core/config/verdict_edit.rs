//! The text of a config with other verdicts; all else stays as it is written.

use std::fmt::Write as _;

use super::reading::Reading;
use super::source::ConfigFile;
use super::tree::NodeKind;
use crate::error::ConfigError;
use crate::plan::VerdictPlan;

impl ConfigFile {
    /// The text with these verdicts in place of those of a class, or of the default one.
    pub fn text_with_verdicts(
        &self,
        class: Option<&str>,
        verdicts: &[VerdictPlan],
    ) -> Result<String, ConfigError> {
        let mut reading = Reading::default();
        let chosen = reading.classes(self).and_then(|classes| classes.choose(class, &mut reading.problems));
        let place = chosen.and_then(|node| match &node.kind {
            NodeKind::Struct(_, fields) => {
                let own = fields.iter().find(|field| field.name == "verdicts");
                let first = fields.first().map(|field| (field.name_span.start, field.name_span.start));
                own.map(|field| (field.name_span.start, field.value.span.end)).or(first)
            }
            _ => None,
        });
        let has_own = place.is_some_and(|(start, end)| start < end);
        reading.finish()?;
        let mut text = self.text.to_string();
        if let Some((start, end)) = place {
            let mut list = String::from("verdicts: [\n");
            for verdict in verdicts {
                // Writing to a text never fails.
                let _is_written = writeln!(list, "        {verdict},").is_ok();
            }
            list.push_str("    ]");
            if !has_own {
                list.push_str(",\n    ");
            }
            text.replace_range(start..end, &list);
        }
        Ok(text)
    }
}
