//! Real loss of packets: a table of nftables of the run's own, with a chain for each loss. Its name says whose it is.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Parts of all packets in which a share is counted.
const PARTS: f64 = 1_000_000.0;
/// A table in a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PacketFilter {
    /// The name of the table.
    table: String,
    /// The namespace; `None` for that of promemu.
    netns: Option<String>,
}

/// A loss as the filter shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LossState {
    pub(super) chain: String,
    /// The share of packets.
    pub(super) rate: f64,
    /// Number of packets so far.
    pub(super) seen: f64,
    /// Those of them that were lost.
    pub(super) dropped: f64,
}

impl PacketFilter {
    /// The table of an owner.
    pub(super) fn of(owner: &str, netns: Option<&str>) -> Self {
        Self { table: owner.replace('~', "_"), netns: netns.map(str::to_owned) }
    }

    /// Drops a share of the TCP packets from and to a port, in a chain.
    pub(super) fn add(&self, chain: &str, port: u16, share: f64) -> Result<(), String> {
        let (table, parts) = (&self.table, (share * PARTS).round());
        // The filter takes no comparison that is always true.
        let drawn =
            if parts < PARTS { format!("numgen random mod {PARTS} < {parts} ") } else { String::new() };
        let rule = |side: &str| format!("tcp {side} {port} counter\ntcp {side} {port} {drawn}counter drop\n");
        let rules = [rule("dport"), rule("sport")].concat();
        let script = format!(
            "table inet {table} {{\nchain {chain} {{\ntype filter hook input priority -5; policy accept;\n{rules}}}\n}}\n"
        );
        self.nft(&["-f", "-"], &script).map(drop)
    }

    /// Ends the loss of a chain.
    pub(super) fn remove(&self, chain: &str) -> Result<(), String> {
        let table = &self.table;
        let script = format!("flush chain inet {table} {chain}\ndelete chain inet {table} {chain}\n");
        self.nft(&["-f", "-"], &script).map(drop)
    }

    /// The losses of the table; none without it.
    pub(super) fn losses(&self) -> Result<Vec<LossState>, String> {
        let listed = match self.nft(&["-j", "list", "table", "inet", &self.table], "") {
            Err(why) if why.contains("No such file or directory") => return Ok(Vec::new()),
            listed => listed?,
        };
        let listed: Value = serde_json::from_str(&listed).map_err(|error| format!("nft: {error}"))?;
        Ok(losses(&listed))
    }

    /// Removes the table, if it is there.
    pub(super) fn destroy(&self) -> Result<(), String> {
        match self.nft(&["delete", "table", "inet", &self.table], "") {
            Err(why) if why.contains("No such file or directory") => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    fn nft(&self, args: &[&str], input: &str) -> Result<String, String> {
        let output = self.run(args, input).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                "packet_loss needs nft on the PATH; install the package nftables".to_owned()
            }
            _ => format!("nft cannot be run: {error}"),
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or_default();
        if said.contains("Operation not permitted") {
            let message = "packet_loss needs the right to filter packets; run promemu as root, or in a network namespace of its own: unshare -rn";
            return Err(message.to_owned());
        }
        Err(format!("nft refused a loss of packets: {first}"))
    }

    fn run(&self, args: &[&str], input: &str) -> io::Result<Output> {
        let mut command = match &self.netns {
            Some(netns) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", netns, "nft"]);
                command
            }
            None => Command::new("nft"),
        };
        let mut process = command
            .args(args)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = process.stdin.take() {
            // One that reads nothing says why.
            let _is_read = stdin.write_all(input.as_bytes()).is_ok();
        }
        process.wait_with_output()
    }
}

/// The losses in a listing, by chain: all packets are those of rules that only count.
fn losses(listed: &Value) -> Vec<LossState> {
    let mut found: Vec<LossState> = Vec::new();
    for rule in listed["nftables"].as_array().into_iter().flatten().map(|item| &item["rule"]) {
        let (Some(chain), Some(parts)) = (rule["chain"].as_str(), rule["expr"].as_array()) else { continue };
        let packets = parts.iter().find_map(|part| part["counter"]["packets"].as_f64()).unwrap_or_default();
        let rate = parts.iter().find_map(|part| {
            let compared = &part["match"];
            let parts = compared["left"]["numgen"]["mod"].as_f64()?;
            Some(compared["right"].as_f64()? / parts)
        });
        let drops = parts.iter().any(|part| part.get("drop").is_some());
        let rate = rate.or(drops.then_some(1.0));
        if found.last().is_none_or(|last| last.chain != chain) {
            found.push(LossState { chain: chain.to_owned(), rate: 0.0, seen: 0.0, dropped: 0.0 });
        }
        let Some(last) = found.last_mut() else { continue };
        match rate {
            Some(rate) => {
                last.rate = rate;
                last.dropped += packets;
            }
            None => last.seen += packets,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_listing_of_nft_tells_of_each_loss() {
        let port = |side| json!({ "match": { "op": "==", "left": { "payload": { "protocol": "tcp", "field": side } }, "right": 80 } });
        let drawn = json!({ "match": { "op": "<", "left": { "numgen": { "mode": "random", "mod": 1_000_000, "offset": 0 } }, "right": 20_000 } });
        let counted = |packets| json!({ "counter": { "packets": packets, "bytes": 9 } });
        let rule =
            |chain: &str, expr: Value| json!({ "rule": { "family": "inet", "chain": chain, "expr": expr } });
        let listed = json!({ "nftables": [
            { "metainfo": {} }, { "table": {} }, { "chain": { "name": "c1" } },
            rule("c1", json!([port("dport"), counted(100)])),
            rule("c1", json!([port("dport"), drawn, counted(2), { "drop": null }])),
            rule("c1", json!([port("sport"), counted(50)])),
            rule("c1", json!([port("sport"), drawn, counted(1), { "drop": null }])),
        ] });
        let expected = LossState { chain: "c1".into(), rate: 0.02, seen: 150.0, dropped: 3.0 };
        assert_eq!(losses(&listed), [expected]);
        let all = json!({ "nftables": [
            rule("c2", json!([port("dport"), counted(4)])),
            rule("c2", json!([port("dport"), counted(4), { "drop": null }])),
        ] });
        let expected = LossState { chain: "c2".into(), rate: 1.0, seen: 4.0, dropped: 4.0 };
        assert_eq!(losses(&all), [expected]);
    }
}
