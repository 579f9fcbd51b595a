//! `--watch`: makes a new plan when the config's file changes.
//!
//! Folders are watched, not files: editors, `git` and Kubernetes put a new file or a new link in the old one's
//! place. Whatever happens in them, a reload comes from a different text only, or from a plugin that has been built anew.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use promemu_core::config::ConfigFile;
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::plugin;
use promemu_core::time::Time;
use promemu_run::outputs::OutputSettings;
use promemu_run::outputs::pushgateway::PushSettings;
use promemu_run::settings::RunSettings;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::diagnostics;
use crate::settings::Settings;

/// A change counts when the folders have been quiet for so long, as one edit is many steps.
const QUIET: Duration = Duration::from_millis(300);
/// Folders that are never quiet are looked at so often.
const UNREST_MAX: Duration = Duration::from_secs(3);
/// A folder that is not there is looked for so often.
const RETRY: Duration = Duration::from_secs(2);

/// The files of a config, under watch.
#[derive(Debug)]
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    /// Something has happened; holds one word, as more would say no more.
    touched: mpsc::Receiver<()>,
    config: Watched,
    /// What the files said when they were last read; none for one that cannot be read. The config's own is the
    /// first, those that it includes come behind.
    texts: IndexMap<PathBuf, Option<String>>,
    /// Why the config's file could not be read, if the last attempt failed.
    unreadable: Option<String>,
    /// Why the texts make no plan, if they do not.
    broken: Option<String>,
    /// Whether plugins have come, changed or gone since the last plan was made.
    are_plugins_new: bool,
}

/// The config that is watched.
#[derive(Debug)]
enum Watched {
    File(PathBuf),
    /// Made by a plugin, whose library is its file.
    Made(String),
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Made(name) => f.write_str(name),
        }
    }
}

impl Watch {
    /// Begins to watch a config's own file; an edit from now on will be seen.
    pub(crate) fn start(file: &ConfigFile) -> Result<Self, Error> {
        let source = file.source();
        let config = match (source, file.name_if_made()) {
            (Some((path, _)), _) => Watched::File(path.to_owned()),
            (None, Some(name)) => Watched::Made(name.to_owned()),
            (None, None) => {
                return Err(Error::Usage(
                    "--watch or PME_WATCH: the config is built into promemu and has no file to watch; save it as \
                     configs/NAME.ron, or leave --watch out"
                        .to_owned(),
                ));
            }
        };
        let (touch, touched) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| is_no_change(event.kind)) {
                return;
            }
            // If there is a word already, that will do.
            let _is_first = touch.try_send(()).is_ok();
        });
        let refused = |error| {
            Error::Run(format!(
                "files cannot be watched: {error}; raise the system's limits (fs.inotify.max_user_instances), or \
                 leave --watch out"
            ))
        };
        let mut watch = Self {
            watcher: watcher.map_err(refused)?,
            touched,
            config,
            texts: source.map(|(path, text)| (path.to_owned(), Some(text.to_owned()))).into_iter().collect(),
            unreadable: None,
            broken: None,
            are_plugins_new: false,
        };
        watch.watch_folders().map_err(|(folder, error)| {
            Error::Run(format!(
                "folder {} cannot be watched: {error}; raise the system's limits (fs.inotify.max_user_watches), or \
                 leave --watch out",
                folder.display()
            ))
        })?;
        Ok(watch)
    }

    /// Watches these files from now on, and not those that were included before.
    pub(crate) fn follow(&mut self, files: &[PathBuf]) {
        self.texts.retain(|path, _| files.contains(path));
        for path in files {
            self.texts.entry(path.clone()).or_insert_with(|| std::fs::read_to_string(path).ok());
        }
    }

    /// Hands on a plan for each edit that is good, and says why if it is not.
    pub(crate) async fn reload_edits(
        mut self,
        settings: Arc<Settings>,
        running: RunSettings,
        started_at: Time,
        plans: mpsc::Sender<Plan>,
    ) -> Infallible {
        info!("the config is reloaded when {} changes", self.config);
        loop {
            let are_watched = self.watch_folders().is_ok();
            // What happened before the folders were watched has told nobody, so the first look comes at once.
            if let Some(plan) = self.edited(&settings, &running, started_at).await {
                // A run that is at its end takes no plan.
                let _is_taken = plans.send(plan).await.is_ok();
            }
            if are_watched {
                self.settled().await;
            } else {
                let _is_settled = timeout(RETRY, self.settled()).await.is_ok();
            }
        }
    }

    /// Watches the folders of all files and of those that links lead to. A folder that is watched already is so
    /// anew, as another one may have come in its place.
    fn watch_folders(&mut self) -> Result<(), (PathBuf, notify::Error)> {
        for path in self.texts.keys() {
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            let target = path.canonicalize().ok();
            let target_folder = target.as_deref().and_then(Path::parent).unwrap_or(folder);
            for folder in [folder, target_folder] {
                let watched = self.watcher.watch(folder, RecursiveMode::NonRecursive);
                watched.map_err(|error| (folder.to_owned(), error))?;
            }
        }
        for folder in plugin::folders().iter().filter(|folder| folder.is_dir()) {
            let watched = self.watcher.watch(folder, RecursiveMode::NonRecursive);
            watched.map_err(|error| (folder.clone(), error))?;
        }
        Ok(())
    }

    /// Waits until something has happened and is over.
    async fn settled(&mut self) {
        if self.touched.recv().await.is_none() {
            // Nothing can come any more; the run goes on.
            std::future::pending::<()>().await;
        }
        let quiet = async { while let Ok(Some(())) = timeout(QUIET, self.touched.recv()).await {} };
        let _is_quiet = timeout(UNREST_MAX, quiet).await.is_ok();
    }

    /// The plan of the present texts, if they are others than last time and make one.
    async fn edited(
        &mut self,
        settings: &Arc<Settings>,
        running: &RunSettings,
        started_at: Time,
    ) -> Option<Plan> {
        // A library takes its time to be loaded.
        self.are_plugins_new |= tokio::task::spawn_blocking(plugin::refresh).await.unwrap_or(false);
        let file = self.edited_file(settings)?;
        let at_work = Arc::clone(settings);
        let loaded = tokio::task::spawn_blocking(move || {
            let loaded = at_work.load(&file, started_at)?;
            let wanted = at_work.run_settings(&loaded.plan.defaults)?;
            Ok::<_, Error>((loaded, wanted))
        });
        let bug = |problem| Err(Error::Run(format!("the config was not loaded because of a bug: {problem}")));
        let (loaded, wanted) = match loaded.await.unwrap_or_else(bug) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.say_broken(&error);
                return None;
            }
        };
        self.broken = None;
        self.follow(&loaded.files);
        for warning in &loaded.warnings {
            warn!("{warning}");
        }
        let differing = differing(running, &wanted).join(", ");
        if !differing.is_empty() {
            warn!("{differing} cannot change while promemu runs; restart it to have the new value");
        }
        Some(loaded.plan)
    }

    /// The config's file, if its texts or the plugins are others than last time. Where those made no plan, they may do so now:
    /// it is not known which other files they include.
    fn edited_file(&mut self, settings: &Settings) -> Option<ConfigFile> {
        let dirs = settings.config_dirs();
        let read = match &self.config {
            Watched::File(path) => ConfigFile::read(path).map(|file| file.within(&dirs)),
            Watched::Made(name) => dirs.open(name),
        };
        let file = match read {
            Ok(file) => file,
            Err(error) => {
                let why = diagnostics::with_causes(&Error::Config(error));
                if self.unreadable.as_ref() != Some(&why) {
                    error!("{why}");
                    info!("the run goes on as before");
                    self.unreadable = Some(why);
                }
                return None;
            }
        };
        self.unreadable = None;
        let is_own = |path: &Path| matches!(&self.config, Watched::File(own) if own == path);
        let own_text = || file.source().map(|(_, text)| text.to_owned());
        let read = |path: &PathBuf| {
            if is_own(path) { own_text() } else { std::fs::read_to_string(path).ok() }
        };
        let texts = self.texts.keys().map(|path| (path.clone(), read(path))).collect();
        if std::mem::take(&mut self.are_plugins_new) || texts != self.texts {
            // An edit that leaves a mistake as it was hears of it again.
            (self.texts, self.broken) = (texts, None);
            return Some(file);
        }
        self.broken.is_some().then_some(file)
    }

    fn say_broken(&mut self, error: &Error) {
        let why = diagnostics::with_causes(error);
        if self.broken.as_ref() != Some(&why) {
            diagnostics::log(error);
            error!("{} is not taken over and the run goes on as before; correct it", self.config);
            self.broken = Some(why);
        }
    }
}

/// Whether an event is about reading only, as we do ourselves.
fn is_no_change(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// The settings that a config brings, and that are not those of the run.
fn differing(running: &RunSettings, wanted: &RunSettings) -> Vec<&'static str> {
    let gateway = |run: &RunSettings, what: fn(&PushSettings) -> bool| {
        run.outputs.iter().find_map(OutputSettings::gateway).map(|gateway| what(&gateway.push))
    };
    let is_same = |what| gateway(running, what) == gateway(wanted, what);
    let settings = [
        ("pushgateway_url", running.pushgateway_url == wanted.pushgateway_url),
        ("push_interval", running.push_interval == wanted.push_interval),
        ("cleanup_on_start", is_same(|push| push.cleanup_on_start)),
        ("cleanup_on_finish", is_same(|push| push.cleanup_on_finish)),
    ];
    settings.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use promemu_core::plan::RunDefaults;

    use super::*;

    const HOST: &str = "Host(name: \"a\", metrics: [Metric(name: \"x\")])";

    #[tokio::test]
    async fn only_another_text_that_is_good_makes_a_plan() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ron");
        let write = |hosts: &str| std::fs::write(&path, format!("Config(hosts: [{hosts}])")).unwrap();
        write(HOST);
        let args = ["promemu"].iter().map(Into::into);
        let settings = Arc::new(Settings::new(crate::args::parse(args).unwrap()).unwrap());
        let running = settings.run_settings(&RunDefaults::default()).unwrap();
        let mut watch = Watch::start(&ConfigFile::read(&path).unwrap()).unwrap();
        let start = Time::from_unix_secs(1_767_600_000);
        assert!(watch.edited(&settings, &running, start).await.is_none(), "nothing has happened");
        write(&HOST.replace("\"a\"", "\"b\""));
        let plan = watch.edited(&settings, &running, start).await;
        assert_eq!(plan.map(|plan| plan.hosts[0].name.to_string()), Some("b".to_owned()));
        write("Hots()");
        assert!(watch.edited(&settings, &running, start).await.is_none());
        std::fs::remove_file(&path).unwrap();
        assert!(watch.edited(&settings, &running, start).await.is_none());
        assert!(watch.unreadable.as_ref().is_some_and(|why| why.contains("cannot be read")));
        write("Hots()");
        assert!(watch.edited(&settings, &running, start).await.is_none());
        write(HOST);
        assert!(watch.edited(&settings, &running, start).await.is_some());
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
        let args = ["promemu"].iter().map(Into::into);
        let settings = Arc::new(Settings::new(crate::args::parse(args).unwrap()).unwrap());
        let running = settings.run_settings(&RunDefaults::default()).unwrap();
        let file = ConfigFile::read(&path("a")).unwrap();
        let mut watch = Watch::start(&file).unwrap();
        let start = Time::from_unix_secs(1_767_600_000);
        watch.follow(&settings.load(&file, start).unwrap().files);
        let mut metric = async || {
            let plan = watch.edited(&settings, &running, start).await;
            plan.map(|plan| plan.hosts[0].shape.metrics[0].name.to_string())
        };
        assert_eq!(metric().await, None);
        write("one", &set("y"));
        assert_eq!(metric().await.as_deref(), Some("y"));
        write("two", "Inclde()");
        write("a", &include("two"));
        assert_eq!(metric().await, None);
        write("two", &set("z"));
        assert_eq!(metric().await.as_deref(), Some("z"), "no file that was known has changed");
        write("one", &set("x"));
        assert_eq!(metric().await, None, "it is not included any more");
    }

    #[test]
    fn settings_that_cannot_change_are_named() {
        let args = ["promemu", "--push-interval", "3s"].iter().map(Into::into);
        let settings = Settings::new(crate::args::parse(args).unwrap()).unwrap();
        let running = settings.run_settings(&RunDefaults::default()).unwrap();
        let defaults = RunDefaults {
            pushgateway_url: Some("elsewhere:1".into()),
            push_interval: Some(promemu_core::time::Span::from_secs(7)),
            cleanup_on_start: Some(false),
            cleanup_on_finish: Some(true),
        };
        let wanted = settings.run_settings(&defaults).unwrap();
        assert_eq!(
            differing(&running, &wanted),
            ["pushgateway_url", "cleanup_on_start"],
            "the flag comes first"
        );
    }
}
