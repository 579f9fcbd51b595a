//! `packet_loss`: packets are lost for real, which a packet filter does.

use super::effect::{Effect, Loss, RealFault};
use super::effect_params::{RANDOM, SERVERS, SEVERITY, needed_share, ports, servers, severity};
use super::kind::{FaultError, FaultKind};
use crate::scenario::{Arguments, Param, ParamKind};

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "packet_loss",
    "packets from and to the proxies are lost; needs `nft`, and the right to use it in the network namespace",
    &[
        Param { name: "p", kind: ParamKind::Number, default: "", help: "the share of packets, from 0 to 1" },
        Param {
            name: "ports",
            kind: ParamKind::Numbers,
            default: "those of the proxies",
            help: "TCP ports of servers of any kind, in place of `servers`",
        },
        Param {
            name: "netns",
            kind: ParamKind::Text,
            default: "that of promemu",
            help: "the network namespace, by a name that `ip netns` knows",
        },
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &build,
);

fn build(arguments: &mut Arguments) -> Result<RealFault, FaultError> {
    let share = needed_share(arguments, "p")? * severity(arguments)?;
    let netns = arguments.text("netns");
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
            && !name.starts_with('-')
    };
    if let Some(name) = netns.as_deref().filter(|name| !is_name(name)) {
        let message = format!("netns must be a name of letters, digits, '-' and '_', but is {name:?}");
        return Err(FaultError { param: Some("netns"), message });
    }
    let (ports, servers) = (ports(arguments, "ports")?, servers(arguments)?);
    Ok(Effect::Loss(Loss { servers, ports, share, netns: netns.map(Into::into) }).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultSpec;
    use crate::scenario::Argument;

    #[test]
    fn a_loss_is_on_servers_or_on_ports() {
        let mut arguments = Arguments::default();
        arguments.set("p", Argument::Number(0.1));
        arguments.set("severity", Argument::Number(0.5));
        assert_eq!(build(&mut arguments).unwrap().describe(), "share 0.05, on all");
        arguments.set("p", Argument::Number(0.1));
        arguments.set("ports", Argument::Numbers(vec![11_211.0, 80.0]));
        assert_eq!(build(&mut arguments).unwrap().describe(), "share 0.1, on ports 11211,80");
        arguments.set("p", Argument::Number(0.1));
        arguments.set("ports", Argument::Numbers(vec![70_000.0]));
        assert_eq!(
            build(&mut arguments).unwrap_err().message,
            "ports must be whole numbers from 1 to 65535, but one is 70000"
        );
        arguments.set("p", Argument::Number(0.1));
        arguments.set("netns", Argument::Text("../a".to_owned()));
        assert_eq!(
            build(&mut arguments).unwrap_err().message,
            "netns must be a name of letters, digits, '-' and '_', but is \"../a\""
        );
    }
}
