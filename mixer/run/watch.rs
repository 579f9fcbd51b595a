//! The watch on a run's config: makes a new plan when its files change.
//!
//! Folders are watched, not files: editors, `git` and Kubernetes put a new file or a new link in the old one's
//! place. A watch without folders reads its files when it is asked to. Only a different text, or a plugin that was built
//! again, makes a new plan. It knows no class and no arguments: a [`ConfigLoader`] loads the config as it was loaded for
//! the run.

mod reload_requests;

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use promemu_core::config::{ConfigDirs, ConfigFile, LoadedConfig};
use promemu_core::error::Error;
use promemu_core::plan::{EffectsPlan, Plan};
use promemu_core::plugin;
use promemu_core::time::Time;
use promemu_core::{text_file, user_file};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::effects::Effects;
use crate::outputs::OutputSettings;
use crate::outputs::pushgateway::PushSettings;
use crate::outputs::shared::Admission;
use crate::settings::RunSettings;
use crate::whole_file;

pub use reload_requests::{ReloadCounts, ReloadRequests};

/// One edit is many events: the files are read after this time without one.
const QUIET_TIME: Duration = Duration::from_millis(300);
/// Longest time until the files are read, in folders that are never quiet.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(3);
/// Time between two attempts to watch a folder that does not exist.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Loads the config of a run anew, with the class and the arguments that the run has. Blocks.
pub trait ConfigLoader: fmt::Debug + Send + Sync {
    /// The directories of configs.
    fn dirs(&self) -> ConfigDirs;

    /// The plan of the edited file for a run with this start, and the settings that a run of it would have.
    fn load(&self, file: &ConfigFile, started_at: Time) -> Result<(LoadedConfig, RunSettings), Error>;
}

/// Watches the files of a config.
#[derive(Debug)]
pub struct Watch {
    loader: Arc<dyn ConfigLoader>,
    /// `None` if it reads its files only when it is asked to.
    watcher: Option<RecommendedWatcher>,
    /// A change in a folder, or a request; the channel holds one, as more would add nothing.
    changes: mpsc::Receiver<()>,
    requests: ReloadRequests,
    config: Watched,
    /// The texts of the files when they were last read, the config's own first, then those that it includes. `None` for a
    /// file that cannot be read.
    texts: Texts,
    /// The error of the config's file, if the last read failed.
    unreadable: Option<String>,
    /// The error of the texts, if they make no plan.
    broken: Option<String>,
    /// `true` if plugins were added, changed or removed since the last plan was made.
    are_plugins_new: bool,
}

/// Files with their texts; `None` for one that cannot be read.
type Texts = IndexMap<PathBuf, Option<String>>;

/// The config that is watched.
#[derive(Clone, Debug)]
enum Watched {
    File(PathBuf),
    /// A plugin's config: its name. Its file is the plugin's library.
    OfPlugin(String),
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::OfPlugin(name) => f.write_str(name),
        }
    }
}

impl Watched {
    /// The config, and the texts of these files, of which its own is one.
    fn read_with(&self, dirs: &ConfigDirs, paths: &[PathBuf]) -> Result<(ConfigFile, Texts), Error> {
        let file = match self {
            Self::File(path) => ConfigFile::read(path)?.within(dirs),
            Self::OfPlugin(name) => dirs.open(name)?,
        };
        let own_text = || file.source().map(|(_, text)| text.to_owned());
        let is_own = |path: &Path| matches!(self, Self::File(own) if own == path);
        let read = |path: &PathBuf| if is_own(path) { own_text() } else { text_of(path) };
        let texts = paths.iter().map(|path| (path.clone(), read(path))).collect();
        Ok((file, texts))
    }
}

fn text_of(path: &Path) -> Option<String> {
    text_file::read(path, user_file::CONFIG_BYTES_MAX).ok()
}

impl Watch {
    /// Begins to watch a config's own file; no edit from now on is missed.
    ///
    /// # Errors
    ///
    /// The config has no file, or the system does not let files be watched.
    pub fn start(file: &ConfigFile, loader: Arc<dyn ConfigLoader>) -> Result<Self, Error> {
        let mut watch = Self::on_request(file, loader).ok_or_else(|| {
            let from = if file.is_stdin() { "comes from standard input" } else { "is built into promemu" };
            Error::Usage(format!(
                "the config {from} and has no file to watch; save it as configs/NAME.ron, or do not watch it"
            ))
        })?;
        let sender = watch.requests.wake();
        let by_system = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| is_read(event.kind)) {
                return;
            }
            // A full channel has a change to tell already.
            let _is_first = sender.try_send(()).is_ok();
        });
        let failed = |error| {
            Error::Run(format!(
                "files cannot be watched: {error}; raise the system's limits (fs.inotify.max_user_instances), or \
                 do not watch them"
            ))
        };
        watch.watcher = Some(by_system.map_err(failed)?);
        watch.watch_folders().map_err(|(folder, error)| {
            Error::Run(format!(
                "folder {} cannot be watched: {error}; raise the system's limits (fs.inotify.max_user_watches), or \
                 do not watch it",
                folder.display()
            ))
        })?;
        Ok(watch)
    }

    /// A watch that reads the config's files only when it is asked to; `None` if the config has none.
    #[must_use]
    pub fn on_request(file: &ConfigFile, loader: Arc<dyn ConfigLoader>) -> Option<Self> {
        let source = file.source();
        let config = match (source, file.name_if_made()) {
            (Some((path, _)), _) => Watched::File(path.to_owned()),
            (None, Some(name)) => Watched::OfPlugin(name.to_owned()),
            (None, None) => return None,
        };
        let (sender, changes) = mpsc::channel(1);
        Some(Self {
            loader,
            watcher: None,
            changes,
            requests: ReloadRequests::new(sender),
            config,
            texts: source.map(|(path, text)| (path.to_owned(), Some(text.to_owned()))).into_iter().collect(),
            unreadable: None,
            broken: None,
            are_plugins_new: false,
        })
    }

    /// The handle that asks it to read its files.
    #[must_use]
    pub fn requests(&self) -> ReloadRequests {
        self.requests.clone()
    }

    /// Watches these files instead of those that were included before.
    pub fn follow(&mut self, files: &[PathBuf]) {
        self.texts.retain(|path, _| files.contains(path));
        for path in files {
            self.texts.entry(path.clone()).or_insert_with(|| text_of(path));
        }
    }

    /// Sends a plan for each valid edit that neither another run nor the effects of this one contradict, and logs the errors of the others.
    pub(crate) async fn reload_edits(
        mut self,
        (running, effects): (&RunSettings, Option<&EffectsPlan>),
        started_at: Time,
        admission: &Admission,
        plans: mpsc::Sender<Plan>,
    ) -> Infallible {
        if self.watcher.is_some() {
            info!(config = %self.config, "watching the config; edits are reloaded");
        } else {
            self.settled().await;
        }
        loop {
            let are_watched = self.watch_folders().is_ok();
            let ReloadCounts { asked, answered } = *self.requests.counts().borrow();
            let complaints = (self.broken.clone(), self.unreadable.clone());
            // An edit from before the folders were watched made no event, so the files are read first.
            if let Some(plan) = self.edited(running, started_at).await {
                let admitted = Effects::check_edit(effects, &plan).and_then(|()| {
                    admission.replace(&plan).map_err(|conflict| Error::Run(conflict.to_string()))
                });
                match admitted {
                    // A run that is ending receives no plan.
                    Ok(()) => drop(plans.send(plan).await),
                    Err(error) => self.log_broken(&error),
                }
            } else if asked > answered && complaints == (self.broken.clone(), self.unreadable.clone()) {
                info!(config = %self.config, "config is as it was, and is not reloaded");
            }
            self.requests.answer(asked);
            if are_watched {
                self.settled().await;
            } else {
                let _is_settled = timeout(RETRY_INTERVAL, self.settled()).await.is_ok();
            }
        }
    }

    /// Watches the folders of all files, and of the targets of links. Watches again a folder that is watched already, as it
    /// may have been replaced.
    fn watch_folders(&mut self) -> Result<(), (PathBuf, notify::Error)> {
        let Some(by_system) = &mut self.watcher else { return Ok(()) };
        for path in self.texts.keys() {
            let folder = whole_file::folder(path);
            let target = path.canonicalize().ok();
            let target_folder = target.as_deref().and_then(Path::parent).unwrap_or(folder);
            for folder in [folder, target_folder] {
                let outcome = by_system.watch(folder, RecursiveMode::NonRecursive);
                outcome.map_err(|error| (folder.to_owned(), error))?;
            }
        }
        for folder in plugin::folders().iter().filter(|folder| folder.is_dir()) {
            let outcome = by_system.watch(folder, RecursiveMode::NonRecursive);
            outcome.map_err(|error| (folder.clone(), error))?;
        }
        Ok(())
    }

    /// Waits for a change, and until its events have ended.
    async fn settled(&mut self) {
        if self.changes.recv().await.is_none() {
            // There are no events any more; the run goes on.
            std::future::pending::<()>().await;
        }
        let quiet = async { while let Ok(Some(())) = timeout(QUIET_TIME, self.changes.recv()).await {} };
        let _is_quiet = timeout(SETTLE_TIME_MAX, quiet).await.is_ok();
    }

    /// The plan of the present texts, if they differ from the last ones and make one.
    async fn edited(&mut self, running: &RunSettings, started_at: Time) -> Option<Plan> {
        // Loading a library takes time.
        self.are_plugins_new |= tokio::task::spawn_blocking(plugin::refresh).await.unwrap_or(false);
        let file = self.edited_file().await?;
        let loader = Arc::clone(&self.loader);
        let loading = tokio::task::spawn_blocking(move || loader.load(&file, started_at));
        let bug = |problem| Err(Error::Run(format!("config was not loaded because of a bug: {problem}")));
        let (config, edited) = match loading.await.unwrap_or_else(bug) {
            Ok(config_and_settings) => config_and_settings,
            Err(error) => {
                self.log_broken(&error);
                return None;
            }
        };
        self.broken = None;
        self.follow(&config.files);
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let changed = changed_settings(running, &edited).join(", ");
        if !changed.is_empty() {
            warn!(settings = changed, "settings cannot change while promemu runs; restart it to apply them");
        }
        Some(config.plan)
    }

    /// The config's file, if its texts or the plugins differ from the last ones. Texts that made no plan are tried again:
    /// which other files they include is not known.
    async fn edited_file(&mut self) -> Option<ConfigFile> {
        let dirs = self.loader.dirs();
        let (config, paths) = (self.config.clone(), self.texts.keys().cloned().collect::<Vec<_>>());
        // A file system may not answer for a while.
        let reading = tokio::task::spawn_blocking(move || config.read_with(&dirs, &paths)).await;
        let bug = |problem| Err(Error::Run(format!("files were not read because of a bug: {problem}")));
        let (file, texts) = match reading.unwrap_or_else(bug) {
            Ok(read) => read,
            Err(error) => {
                let why = error.with_causes();
                if self.unreadable.as_ref() != Some(&why) {
                    error!("{why}");
                    info!(config = %self.config, "the run goes on as before");
                    self.unreadable = Some(why);
                }
                return None;
            }
        };
        self.unreadable = None;
        if std::mem::take(&mut self.are_plugins_new) || texts != self.texts {
            // The error is logged again if an edit leaves it.
            (self.texts, self.broken) = (texts, None);
            return Some(file);
        }
        self.broken.is_some().then_some(file)
    }

    fn log_broken(&mut self, error: &Error) {
        let why = error.with_causes();
        if self.broken.as_ref() != Some(&why) {
            for line in why.lines() {
                if let Some(warning) = line.strip_prefix("warning: ") {
                    warn!("{warning}");
                } else {
                    error!("{line}");
                }
            }
            error!(config = %self.config, "config is not reloaded and the run goes on as before; correct it");
            self.broken = Some(why);
        }
    }
}

/// `true` for an event about reading, which this module does itself.
fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// The settings of an edited config that differ from those of the run.
fn changed_settings(running: &RunSettings, edited: &RunSettings) -> Vec<&'static str> {
    let gateway = |run: &RunSettings, field: fn(&PushSettings) -> bool| {
        run.outputs.iter().find_map(OutputSettings::gateway).map(|gateway| field(&gateway.push))
    };
    let is_same = |field| gateway(running, field) == gateway(edited, field);
    let page = |run: &RunSettings| run.outputs.iter().find(|output| output.is_of_config()).cloned();
    let settings = [
        ("serve", page(running) == page(edited)),
        ("pushgateway_url", running.pushgateway_url == edited.pushgateway_url),
        ("push_interval", running.push_interval == edited.push_interval),
        ("cleanup_on_start", is_same(|push| push.cleanup_on_start)),
        ("cleanup_on_finish", is_same(|push| push.cleanup_on_finish)),
    ];
    settings.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use promemu_core::config::LoadOptions;
    use promemu_core::plan::RunDefaults;
    use promemu_core::time::Span;

    use super::*;
    use crate::outputs::pushgateway::{GatewaySettings, GatewayUrl};

    const HOST: &str = "Host(name: \"a\", metrics: [Metric(name: \"x\")])";
    const START: Time = Time::from_unix_secs(1_767_600_000);

    /// A loader without flags.
    #[derive(Debug)]
    struct Loader;

    impl ConfigLoader for Loader {
        fn dirs(&self) -> ConfigDirs {
            ConfigDirs::new(None)
        }

        fn load(&self, file: &ConfigFile, started_at: Time) -> Result<(LoadedConfig, RunSettings), Error> {
            let loaded = file.plan(&LoadOptions::starting_at(started_at))?;
            let settings = settings(&loaded.plan.defaults);
            Ok((loaded, settings))
        }
    }

    /// The settings of a run that pushes.
    fn settings(defaults: &RunDefaults) -> RunSettings {
        let url = GatewayUrl::parse(defaults.pushgateway_url.as_deref().unwrap_or("127.0.0.1:9091")).unwrap();
        let interval = defaults.push_interval.unwrap_or(Span::from_secs(3));
        let push = PushSettings {
            format: promemu_wire::exposition::Format::Protobuf,
            interval,
            cleanup_on_start: defaults.cleanup_on_start.unwrap_or(true),
            cleanup_on_finish: defaults.cleanup_on_finish.unwrap_or(true),
            self_metrics: false,
            shard: None,
        };
        let (http, timeout) = (crate::http::HttpOptions::default(), Duration::from_secs(1));
        let gateway = GatewaySettings { url: url.clone(), http, timeout, push };
        RunSettings {
            outputs: vec![OutputSettings::Pushgateway(Box::new(gateway))],
            pushgateway_url: Some(url),
            push_interval: interval,
            ..RunSettings::without_outputs(7)
        }
    }

    fn start(path: &Path) -> Watch {
        Watch::start(&ConfigFile::read(path).unwrap(), Arc::new(Loader)).unwrap()
    }

    #[tokio::test]
    async fn only_a_different_and_valid_text_makes_a_plan() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ron");
        let write = |hosts: &str| std::fs::write(&path, format!("Config(hosts: [{hosts}])")).unwrap();
        write(HOST);
        let running = settings(&RunDefaults::default());
        let mut watch = start(&path);
        assert!(watch.edited(&running, START).await.is_none(), "nothing has changed");
        write(&HOST.replace("\"a\"", "\"b\""));
        let plan = watch.edited(&running, START).await;
        assert_eq!(plan.map(|plan| plan.hosts[0].name.to_string()), Some("b".to_owned()));
        write("Hots()");
        assert!(watch.edited(&running, START).await.is_none());
        std::fs::remove_file(&path).unwrap();
        assert!(watch.edited(&running, START).await.is_none());
        assert!(watch.unreadable.as_ref().is_some_and(|why| why.contains("cannot be read")));
        write("Hots()");
        assert!(watch.edited(&running, START).await.is_none());
        write(HOST);
        assert!(watch.edited(&running, START).await.is_some());
        assert_eq!(watch.unreadable, None);
    }

    #[tokio::test]
    async fn included_files_are_followed_and_a_broken_one_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(format!("{name}.ron"));
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        let host = r#"Host(name: "a", metric_sets: ["set"], metrics: [])"#;
        let include = |name: &str| format!("Config(include: [\"{name}\"], hosts: [{host}])");
        let set = |metric: &str| format!("Include(metric_sets: {{ \"set\": [Metric(name: \"{metric}\")] }})");
        write("a", &include("one"));
        write("one", &set("x"));
        let running = settings(&RunDefaults::default());
        let mut watch = start(&path("a"));
        watch.follow(&Loader.load(&ConfigFile::read(&path("a")).unwrap(), START).unwrap().0.files);
        let mut metric = async || {
            let plan = watch.edited(&running, START).await;
            plan.map(|plan| plan.hosts[0].shape.metrics[0].name.to_string())
        };
        assert_eq!(metric().await, None);
        write("one", &set("y"));
        assert_eq!(metric().await.as_deref(), Some("y"));
        write("two", "Inclde()");
        write("a", &include("two"));
        assert_eq!(metric().await, None);
        write("two", &set("z"));
        assert_eq!(metric().await.as_deref(), Some("z"), "no known file has changed");
        write("one", &set("x"));
        assert_eq!(metric().await, None, "it is no longer included");
    }

    #[test]
    fn settings_that_cannot_change_are_named() {
        let running =
            settings(&RunDefaults { push_interval: Some(Span::from_secs(7)), ..RunDefaults::default() });
        let edited = settings(&RunDefaults {
            pushgateway_url: Some("elsewhere:1".into()),
            is_pushgateway_url_fixed: true,
            serve: None,
            push_interval: Some(Span::from_secs(7)),
            cleanup_on_start: Some(false),
            cleanup_on_finish: Some(true),
        });
        assert_eq!(changed_settings(&running, &edited), ["pushgateway_url", "cleanup_on_start"]);
    }
}
