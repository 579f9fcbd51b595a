//! The template of a playlist: its items and how they follow each other.

use indexmap::IndexMap;

use super::argument::ArgTemplate;
use crate::config::fields::{Fields, read_all, read_name, read_scalar, read_scalars};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::{FromValue, Scalar};
use crate::error::{Problems, SourceSpan};
use crate::expression::Value;
use crate::time::Span;

/// The name of the record of a playlist.
pub(in crate::config) const PLAYLIST: &str = "Playlist";

#[derive(Debug)]
pub(in crate::config) struct PlaylistTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) description: String,
    pub(in crate::config) args: IndexMap<String, ArgTemplate>,
    /// Arguments of all items.
    pub(in crate::config) item_args: ItemArguments,
    pub(in crate::config) items: Vec<ItemTemplate>,
    /// `false` if items are missing because of their errors.
    pub(in crate::config) has_all_items: bool,
    pub(in crate::config) cooldown: Option<Scalar<Span>>,
    pub(in crate::config) repeat: Option<Scalar<RoundCount>>,
    pub(in crate::config) at_once: Option<Scalar<bool>>,
}

#[derive(Debug)]
pub(in crate::config) struct ItemTemplate {
    pub(in crate::config) config: Scalar<String>,
    pub(in crate::config) class: Option<Scalar<String>>,
    pub(in crate::config) args: ItemArguments,
    pub(in crate::config) lasts: Option<Scalar<Span>>,
}

/// The place of each name, the name, and the value.
pub(in crate::config) type ItemArguments = Vec<(SourceSpan, String, ItemArgument)>;

/// The value of an argument of an item.
#[derive(Debug)]
pub(in crate::config) enum ItemArgument {
    One(Scalar<Value>),
    List(Vec<Scalar<Value>>),
}

/// Number of rounds; `None` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct RoundCount(pub(in crate::config) Option<u64>);

impl FromValue for RoundCount {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Text(text) if text == "forever" => return Ok(Self(None)),
            Value::Text(text) if text == "once" => return Ok(Self(Some(1))),
            _ => {}
        }
        let count = i64::from_value(value).ok().and_then(|count| u64::try_from(count).ok());
        let count = count.filter(|count| *count > 0).ok_or_else(|| {
            format!(
                "expected a number from 1 on, once or forever, found {}",
                NodeKind::Scalar(value.clone()).describe()
            )
        })?;
        Ok(Self(Some(count)))
    }
}

impl PlaylistTemplate {
    pub(in crate::config) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, PLAYLIST, problems)?;
        let span = fields.span();
        let description = fields.constant_text("description", problems);
        let args = ArgTemplate::read_all(&mut fields, problems);
        let item_args = read_item_arguments(&mut fields, "item_args", problems);
        let listed = fields.list("items", problems);
        let count = listed.len();
        let items = read_all(listed, problems, ItemTemplate::read);
        let template = Self {
            span,
            description,
            args,
            item_args,
            has_all_items: items.len() == count,
            items,
            cooldown: fields.scalar("cooldown", problems),
            repeat: fields.scalar("repeat", problems),
            at_once: fields.scalar("at_once", problems),
        };
        fields.refuse_unknown(problems);
        Some(template)
    }
}

impl ItemTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Item", problems)?;
        let config = fields.needed("config", problems);
        let class = fields.scalar("class", problems);
        let args = read_item_arguments(&mut fields, "args", problems);
        let lasts = fields.scalar("lasts", problems);
        fields.refuse_unknown(problems);
        Some(Self { config: config?, class, args, lasts })
    }
}

fn read_item_arguments(fields: &mut Fields, field: &'static str, problems: &mut Problems) -> ItemArguments {
    let args = fields.map(field, problems).into_iter().filter_map(|(key, node)| {
        let name = read_name(&key, "an argument's name", problems)?;
        let value = match &node.kind {
            NodeKind::List(items) => ItemArgument::List(read_scalars(items, &name, problems)),
            _ => ItemArgument::One(read_scalar(&node, &name, problems)?),
        };
        Some((key.span, name, value))
    });
    args.collect()
}
