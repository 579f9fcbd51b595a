//! What comes into a world from outside of its hosts.

use crate::event::HostId;
use crate::host::Mail;

/// An event or an action that no host has sent: the start or the end of the run, or what was injected.
#[derive(Clone, Debug, PartialEq)]
pub struct OutsideMail {
    /// The host that carries out an action; `None` for an event, which all that listen to it hear.
    pub to: Option<HostId>,
    /// The event or the action.
    pub mail: Mail,
}
