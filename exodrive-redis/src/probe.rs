//! Whether the server at the other end would serve.

use std::sync::LazyLock;

use crate::command::Command;
use crate::error::Error;
use crate::link::Link;
use crate::reply::Reply;
use crate::script::Script;

/// `PING` is refused by a server that is loading or busy, the script by a login that may not run
/// one; both are loaded and asked for in one write.
static PROBE: LazyLock<redis::Pipeline> = LazyLock::new(|| {
    let script = Script::new("return 1");
    let nothing = script.keys::<&str>([]);
    let mut probe = redis::Pipeline::new();
    probe.add_command(Command::new("PING").into_packed());
    probe.add_command(nothing.load().into_packed());
    probe.add_command(nothing.call().clone().into_packed());
    probe.add_command(Command::new("ROLE").into_packed());
    probe
});

/// Of those, only a command with a key is refused by a server that has lost the others of its
/// cluster, and which keys it has is not known here.
static CLUSTER_PROBE: LazyLock<redis::Pipeline> = LazyLock::new(|| {
    let mut probe = PROBE.clone();
    probe.add_command(Command::new("CLUSTER").arg("INFO").into_packed());
    probe
});

/// Asks the server whether it serves, as one of a cluster or alone.
///
/// # Errors
///
/// When it does not, or is a replica: what a replica still serves may be out of date.
pub(crate) async fn probe(link: &Link, clustered: bool) -> Result<(), Error> {
    let probe = if clustered { &CLUSTER_PROBE } else { &PROBE };
    let mut replies = link.pipeline(probe).await?.into_iter();
    let mut reply = || replies.next().ok_or(Error::unexpected("as many replies"));
    reply()?.and(reply()?).and(reply()?)?;
    // Of the others only a clear answer counts: some hosted services know no `ROLE`.
    let replica = Reply::Bytes(b"slave".to_vec());
    if let Ok(Reply::Array(role)) = reply()?
        && role.first() == Some(&replica)
    {
        return Err(Error::replica());
    }
    #[cfg(feature = "cluster")]
    if clustered
        && let Ok(Reply::Bytes(info)) = reply()?
        && info.starts_with(b"cluster_state:fail")
    {
        return Err(Error::cluster_down());
    }
    Ok(())
}
