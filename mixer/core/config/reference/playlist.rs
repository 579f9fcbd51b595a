//! The fields of playlists.

use super::record::{Record, field};

/// A playlist: configs that run one after the other, or at once.
pub(super) const PLAYLIST: Record = Record {
    name: "Playlist",
    summary: "a playlist: configs that run one after the other, or at once; a file of its own",
    fields: &[
        field(&["description"], "text without expressions", "empty", "a description, for `--list-configs`"),
        field(
            &["args"],
            "`{ \"name\": Arg(…) }`",
            "none",
            "the playlist's arguments, which all other fields may use",
        ),
        field(
            &["item_args"],
            "`{ \"name\": value }`",
            "none",
            "arguments of all items; those of an item come before them",
        ),
        field(&["items"], "list of `Item(…)`", "at least one", "the configs, in their order"),
        field(
            &["cooldown"],
            "duration, not `inf`",
            "`0`",
            "time between two runs; with `at_once`, between two rounds",
        ),
        field(&["repeat"], "number, `once` or `forever`", "`once`", "number of rounds through all items"),
        field(&["at_once"], "true or false", "`false`", "run all items at the same time"),
    ],
};

/// A config of a playlist.
pub(super) const ITEM: Record = Record {
    name: "Item",
    summary: "a config of a playlist",
    fields: &[
        field(
            &["config"],
            "name of a config, or path of a .ron file",
            "must be given",
            "the config that runs",
        ),
        field(&["class"], "text", "that of a run without `--class`", "its class"),
        field(
            &["args"],
            "`{ \"name\": value }`",
            "none",
            "its arguments; flags and variables set those of the playlist",
        ),
        field(
            &["lasts"],
            "duration, not `inf`",
            "until its hosts have ended, or where they do not, its timeline",
            "length of its run",
        ),
    ],
};
