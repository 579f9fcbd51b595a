//! The description of a record of configs and of its fields.

/// A record of configs, as `Host(…)`.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Its name in configs.
    pub name: &'static str,
    /// One line on what it describes.
    pub summary: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

/// A field of a record, or several that are described together. The texts are Markdown, with links of the page that has the
/// record's table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name; several fields have one each.
    pub names: &'static [&'static str],
    /// The values that it takes, in words.
    pub takes: &'static str,
    /// The default, in words; empty if leaving the field out means nothing.
    pub default: &'static str,
    /// Its meaning, with the unit.
    pub help: &'static str,
}

pub(super) const fn field(
    names: &'static [&'static str],
    takes: &'static str,
    default: &'static str,
    help: &'static str,
) -> Field {
    Field { names, takes, default, help }
}
