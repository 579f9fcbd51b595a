//! Processes under test: started on a free port, watched through their log, ended by their pid.

use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use procfs_core::FromRead;
use procfs_core::process::Stat;

/// Time limit of each wait; generous, as machines may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a request with headers; returns the head, in lower case, and the body of the answer. `None` without a complete
/// answer.
pub(crate) fn raw(method: &str, port: u16, path: &str, headers: &str) -> Option<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let body = answer.split_off(end + 4);
    Some((String::from_utf8(answer).ok()?.to_lowercase(), body))
}

/// Polls until there is an answer.
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, ask)
}

/// Polls until there is an answer, for this time.
#[expect(clippy::disallowed_methods, reason = "tests wait by the machine's clock")]
pub(crate) fn within<T>(patience: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < patience, "it did not happen within {patience:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(30));
    }
}

/// `true` if this user may make the namespaces of these arguments of unshare.
#[expect(clippy::print_stderr, reason = "a test reports that it is skipped")]
pub(crate) fn can_unshare(namespaces: &[&str]) -> bool {
    let mut probe = Command::new("unshare");
    probe.args(namespaces).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    let can = probe.status().is_ok_and(|status| status.success());
    if !can {
        eprintln!("skipped: this user cannot run unshare {}", namespaces.join(" "));
    }
    can
}

/// A free port below the system's ephemeral range, never the same twice: two tests that find a port free could both take
/// it otherwise.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    eventually("a free port", || {
        let start = u16::try_from(std::process::id() % 200).unwrap() * 100;
        let port = 10_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    })
}

/// One HTTP exchange on 127.0.0.1; `None` without a complete answer.
pub(crate) fn http(method: &str, port: u16, path: &str, body: &str) -> Option<(u16, String)> {
    exchange(&format!("127.0.0.1:{port}"), method, path, body)
}

fn exchange(address: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let len = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len}\r\n\r\n{body}")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    get_at(&format!("127.0.0.1:{port}"), path)
}

/// The body at a path of a server that is not on loopback.
pub(crate) fn get_at(address: &str, path: &str) -> Option<String> {
    exchange(address, "GET", path, "").filter(|(status, _)| *status == 200).map(|(_, body)| body)
}

/// A server, or promemu itself; killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap_or_else(
                |error| panic!("{command:?} cannot be started; ./manage.sh test installs it: {error}"),
            );
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, lines) = (child.stderr.take().unwrap(), Arc::clone(&log));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = lines.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, log, reader: Some(reader) }
    }

    /// A process whose standard error is read by nobody but who has the other end of the pipe.
    pub(crate) fn start_unread(command: &mut Command) -> (Self, PipeReader) {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer).spawn().unwrap();
        // The command keeps its end of the pipe open otherwise.
        command.stderr(Stdio::null());
        (Self { child, log: Arc::default(), reader: None }, reader)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn count_in_log(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        eventually(&format!("{text:?} in the log"), || self.log().contains(text).then_some(()));
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Kills it and leaves the zombie, as a careless parent does.
    pub(crate) fn kill_unreaped(&self) {
        self.signal("-KILL");
        eventually("it is a zombie", || {
            let stat = Stat::from_file(format!("/proc/{}/stat", self.id())).unwrap();
            (stat.state == 'Z').then_some(())
        });
    }

    /// Waits for its end and for the rest of its log; returns the exit code, or `None` after a signal.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let log = Arc::clone(&self.log);
        let child = &mut self.child;
        let status: ExitStatus =
            eventually(&format!("the end of a process that says {}", log.lock().unwrap()), || {
                child.try_wait().unwrap()
            });
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.code()
    }

    /// Sends SIGTERM; returns the exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.signal("-TERM");
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _was_running = self.child.kill().is_ok();
        let _status = self.child.wait();
    }
}

/// promemu with these arguments, and without `PME_` variables of the environment.
pub(crate) fn promemu_command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promemu"));
    let own =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("PME_"));
    own.for_each(|name| {
        command.env_remove(name);
    });
    // Those that are about the control API say where it listens.
    command.env("PME_LISTEN", "off");
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// promemu with these arguments, in this many KiB of addresses: beyond that it aborts.
pub(crate) fn promemu_in_kib(kib: u32, args: &[&str]) -> Command {
    let command = promemu_command(args);
    let mut bounded = Command::new("sh");
    bounded.args(["-c", &format!("ulimit -v {kib}; exec \"$0\" \"$@\"")]).arg(command.get_program());
    // Arenas of threads take addresses, not memory.
    bounded.args(command.get_args()).env("MALLOC_ARENA_MAX", "2");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    bounded.current_dir(env!("CARGO_MANIFEST_DIR"));
    bounded
}

pub(crate) fn promemu(args: &[&str]) -> Process {
    Process::start(&mut promemu_command(args))
}

/// A real Pushgateway.
pub(crate) struct Pushgateway {
    pub(crate) port: u16,
    host: &'static str,
    process: Process,
}

impl Pushgateway {
    pub(crate) fn start() -> Self {
        Self::start_on("127.0.0.1", free_port())
    }

    pub(crate) fn start_on(host: &'static str, port: u16) -> Self {
        let address = format!("--web.listen-address={host}:{port}");
        // Debian's default is a file that all gateways of the machine would share.
        let args = [address.as_str(), "--persistence.file="];
        let process = Process::start(Command::new("prometheus-pushgateway").args(args));
        let gateway = Self { port, host, process };
        eventually("the Pushgateway is ready", || gateway.get("/-/ready"));
        gateway
    }

    fn get(&self, path: &str) -> Option<String> {
        let answer = exchange(&format!("{}:{}", self.host, self.port), "GET", path, "");
        answer.filter(|(status, _)| *status == 200).map(|(_, body)| body)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    pub(crate) fn metrics(&self) -> String {
        eventually("the Pushgateway shows its metrics", || self.get("/metrics"))
    }

    /// Jobs of its groups, sorted.
    pub(crate) fn groups(&self) -> Vec<String> {
        let mut jobs: Vec<String> = series(&self.metrics(), "push_time_seconds")
            .iter()
            .map(|line| label(line, "job").to_owned())
            .collect();
        jobs.sort();
        jobs
    }

    /// As [`Self::groups`], without those by which runs claim their jobs for a moment.
    pub(crate) fn jobs(&self) -> Vec<String> {
        self.groups().into_iter().filter(|job| !job.starts_with("promemu_claim_")).collect()
    }

    pub(crate) fn stop(mut self) {
        self.process.terminate();
    }
}

/// A real Prometheus.
pub(crate) struct Prometheus {
    port: u16,
    process: Process,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    pub(crate) fn scraping(target_port: u16) -> Self {
        let config = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: gateway\n    honor_labels: true\n    \
             static_configs: [{{ targets: ['127.0.0.1:{target_port}'] }}]\n"
        );
        Self::start(&config, None)
    }

    /// A Prometheus without targets, as a receiver of remote write.
    pub(crate) fn receiving() -> Self {
        Self::start("global: {}\n", None)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A Prometheus without targets, with the blocks of a folder.
    pub(crate) fn with_data(data: &Path) -> Self {
        Self::start("global: {}\n", Some(data))
    }

    /// A Prometheus with this configuration, native histograms, and the blocks of a folder.
    pub(crate) fn configured_with_data(config: &str, data: &Path) -> Self {
        Self::start(config, Some(data))
    }

    /// A Prometheus with this configuration and native histograms.
    pub(crate) fn configured(config: &str) -> Self {
        Self::start(config, None)
    }

    /// A receiver with this configuration, without native histograms and exemplars.
    pub(crate) fn plain(config: &str) -> Self {
        Self::start_with(config, None, "--enable-feature=")
    }

    fn start(config: &str, data: Option<&Path>) -> Self {
        Self::start_with(config, data, "--enable-feature=native-histograms,exemplar-storage")
    }

    fn start_with(config: &str, data: Option<&Path>, features: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let data = data.map_or_else(|| dir.path().join("data"), Path::to_owned);
        let port = free_port();
        let process = Process::start(
            Command::new("prometheus")
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", data.display()))
                .arg("--storage.tsdb.retention.time=100y")
                .arg(features)
                .arg("--web.enable-remote-write-receiver")
                .arg(format!("--web.listen-address=127.0.0.1:{port}")),
        );
        eventually("Prometheus is ready", || get(port, "/-/ready"));
        Self { port, process, _dir: dir }
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// First value of a query.
    pub(crate) fn query(&self, query: &str) -> Option<f64> {
        self.ask(query, "")
    }

    /// First value of a query at a time in seconds since the Unix epoch.
    pub(crate) fn query_at(&self, query: &str, time: u64) -> Option<f64> {
        self.ask(query, &format!("&time={time}"))
    }

    /// Answer of its API at a path.
    pub(crate) fn api(&self, path: &str) -> Option<serde_json::Value> {
        serde_json::from_str(&get(self.port, &format!("/api/v1/{path}"))?).ok()
    }

    fn ask(&self, query: &str, more: &str) -> Option<f64> {
        let encoded = query.bytes().fold(String::new(), |text, byte| text + format!("%{byte:02x}").as_str());
        let answer = get(self.port, &format!("/api/v1/query?query={encoded}{more}"))?;
        let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

/// Sample lines of a family in an exposition; of all families for an empty name.
pub(crate) fn series<'a>(exposition: &'a str, family: &str) -> Vec<&'a str> {
    let is_sample = |line: &&str| !line.starts_with('#') && line.contains('{');
    let is_wanted = |line: &&str| family.is_empty() || line.split('{').next() == Some(family);
    exposition.lines().filter(is_sample).filter(is_wanted).collect()
}

/// Value of a label in a sample line.
pub(crate) fn label<'a>(line: &'a str, name: &str) -> &'a str {
    let after = line.split_once(&format!("{name}=\"")).map_or("", |(_, after)| after);
    after.split('"').next().unwrap_or("")
}

/// Value of a sample line.
pub(crate) fn value(line: &str) -> f64 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// A field of a log line, `name=5`, as a number: the last one of that name in the text.
pub(crate) fn log_number(log: &str, field: &str) -> Option<f64> {
    let after = log.rsplit_once(&format!(" {field}="))?.1;
    after.split_whitespace().next()?.parse().ok()
}

/// Lines of promtool, without its remarks on names.
pub(crate) fn promtool_errors(exposition: &str) -> Vec<String> {
    let is_error = |line: &String| line.contains("error") || line.contains("pars");
    promtool_lines(exposition).into_iter().filter(is_error).collect()
}

/// Lines of `promtool check metrics`.
pub(crate) fn promtool_lines(exposition: &str) -> Vec<String> {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool comes with the package prometheus");
    child.stdin.take().unwrap().write_all(exposition.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap().lines().map(str::to_owned).collect()
}

/// A folder with a shipped config, some of whose text is replaced.
pub(crate) fn changed_config(name: &str, changes: &[(&str, &str)]) -> tempfile::TempDir {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(format!("{name}.ron"));
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{name} has {from}");
        text = text.replace(from, to);
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(format!("{name}.ron")), text).unwrap();
    dir
}
