//! The cases of a test: a config, a class of it, or an item of a playlist.

use promemu_core::config::{ConfigFile, PlaylistItem};
use promemu_core::error::Error;
use promemu_core::time::Span;

use crate::args::TestArgs;
use crate::config;
use crate::settings::{Settings, Variant};

/// A config that is tested.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The file of the config.
    pub(super) file: ConfigFile,
    /// Its class and its arguments.
    pub(super) variant: Variant,
    /// Its name in reports; `None` for that of the config.
    pub(super) name: Option<String>,
    /// Length of its run; `None` for that of the flags, or of its timeline.
    pub(super) lasts: Option<Span>,
}

impl Case {
    /// The config that the command line names.
    pub(super) fn of_flags(settings: &Settings, args: &TestArgs) -> Result<Self, Error> {
        Ok(Self::of_file(settings, config::open(settings, &args.name)?))
    }

    /// The config of a file, in the class of `--class`.
    pub(super) fn of_file(settings: &Settings, file: ConfigFile) -> Self {
        Self { file, variant: Variant::of_class(settings.cli().class.clone()), name: None, lasts: None }
    }

    /// An item of a playlist.
    pub(super) fn of_item(item: &PlaylistItem) -> Self {
        let (file, name) = (item.file.clone(), Some(item.name.clone()));
        Self { file, variant: Variant::of_item(item), name, lasts: item.lasts }
    }

    /// A class of a config; its only one without a name.
    pub(super) fn of_class(file: &ConfigFile, class: String) -> Self {
        let class = Some(class).filter(|class| !class.is_empty());
        let name = class.as_ref().map(|class| format!("{} {class}", file.name()));
        Self { file: file.clone(), variant: Variant::of_class(class), name, lasts: None }
    }

    /// Its name in reports.
    pub(super) fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.file.name().to_owned())
    }
}
