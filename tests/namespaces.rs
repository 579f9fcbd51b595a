//! Network namespaces on a bridge, each of which loses some of what comes in.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Percent of the packets that are lost.
const LOSS: u32 = 1;

/// Namespaces, and the bridge between them and this one. They end with it.
pub(crate) struct Namespaces {
    /// The begin of all names, which other processes' do not have.
    name: String,
    /// The first three bytes of the addresses.
    net: String,
    count: usize,
}

impl Namespaces {
    /// So many namespaces; `None`, and a line that says why, where this user may not make them.
    #[expect(clippy::print_stderr, reason = "a test reports that it is skipped")]
    pub(crate) fn start(count: usize) -> Option<Self> {
        let id = std::process::id();
        let name = format!("pm{id}");
        if let Err(why) = ip(&format!("link add {name} type bridge")) {
            eprintln!("skipped: this user cannot make networks: {why}");
            return None;
        }
        let namespaces = Self { name, net: format!("10.{}.{}", 200 + id / 256 % 50, id % 256), count };
        if let Err(why) = namespaces.make() {
            eprintln!("skipped: this user cannot make network namespaces that lose packets: {why}");
            return None;
        }
        Some(namespaces)
    }

    fn make(&self) -> Result<(), String> {
        let Self { name, net, count } = self;
        ip(&format!("addr add {net}.254/24 dev {name}"))?;
        ip(&format!("link set {name} up"))?;
        for number in 1..=*count {
            let own = self.name_of(number);
            ip(&format!("netns add {own}"))?;
            ip(&format!("link add {own} type veth peer name eth0 netns {own}"))?;
            ip(&format!("link set {own} master {name} up"))?;
            ip(&format!("-n {own} addr add {}/24 dev eth0", self.address(number)))?;
            ip(&format!("-n {own} link set eth0 up"))?;
            ip(&format!("-n {own} link set lo up"))?;
            let rules = format!(
                "table inet loss {{\n chain in {{\n type filter hook input priority 0;\n iifname != \"lo\" numgen random mod 100 < \
                 {LOSS} counter drop\n }}\n}}\n"
            );
            run(Command::new("ip").args(["netns", "exec", &own, "nft", "-f", "-"]), &rules)?;
        }
        Ok(())
    }

    /// The name of a namespace, from 1.
    pub(crate) fn name_of(&self, number: usize) -> String {
        format!("{}n{number}", self.name)
    }

    /// The address in a namespace.
    pub(crate) fn address(&self, number: usize) -> String {
        format!("{}.{number}", self.net)
    }

    /// The address of this side of the bridge.
    pub(crate) fn outside(&self) -> String {
        format!("{}.254", self.net)
    }

    /// The packets that a namespace has lost so far.
    pub(crate) fn lost(&self, number: usize) -> u64 {
        let own = self.name_of(number);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &own, "nft", "-j", "list", "table", "inet", "loss"]);
        let listed: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let rule = listed["nftables"].as_array().unwrap().iter().find_map(|part| part.get("rule"));
        let parts = rule.unwrap()["expr"].as_array().unwrap().iter();
        parts.filter_map(|part| part["counter"]["packets"].as_u64()).sum()
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // Those that could not be made are not there.
        for number in 1..=self.count {
            let _was_there = ip(&format!("netns del {}", self.name_of(number))).is_ok();
        }
        let _was_there = ip(&format!("link del {}", self.name)).is_ok();
    }
}

fn ip(args: &str) -> Result<(), String> {
    run(Command::new("ip").args(args.split(' ')), "")
}

/// Runs a command with this input.
fn run(command: &mut Command, input: &str) -> Result<(), String> {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("{command:?}: {error}"))?;
    child.stdin.take().unwrap().write_all(input.as_bytes()).map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}
