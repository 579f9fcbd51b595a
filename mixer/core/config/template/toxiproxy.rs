//! The proxies of a config in a template: `toxiproxy`, for faults that are done for real.

use crate::config::fields::{Fields, read_scalar, read_texts};
use crate::config::tree::Node;
use crate::config::value::Scalar;
use crate::error::Problems;

#[derive(Debug)]
pub(in crate::config) struct ToxiproxyTemplate {
    pub(in crate::config) url: Option<Scalar<String>>,
    pub(in crate::config) servers: Vec<Scalar<String>>,
    /// The proxies that are created if they are missing, by the names of their servers.
    pub(in crate::config) create: Vec<(Scalar<String>, ServerTemplate)>,
}

#[derive(Debug)]
pub(in crate::config) struct ServerTemplate {
    pub(in crate::config) listen: Scalar<String>,
    pub(in crate::config) upstream: Scalar<String>,
}

impl ToxiproxyTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Toxiproxy", problems)?;
        let url = fields.scalar("url", problems);
        let servers = if let Some(servers) = fields.take("servers") {
            read_texts(&servers, "servers", problems)
        } else {
            fields.lacks("servers", "Toxiproxy needs servers: the names of its proxies".to_owned(), problems);
            Vec::new()
        };
        let create = fields.map("create", problems).into_iter().filter_map(|(name, server)| {
            let name = read_scalar(&name, "a server's name", problems);
            let server = ServerTemplate::read(server, problems);
            name.zip(server)
        });
        let create = create.collect();
        fields.refuse_unknown(problems);
        Some(Self { url, servers, create })
    }
}

impl ServerTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Server", problems)?;
        let (listen, upstream) = (fields.needed("listen", problems), fields.needed("upstream", problems));
        fields.refuse_unknown(problems);
        Some(Self { listen: listen?, upstream: upstream? })
    }
}
