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

/// Asks the server whether it serves.
///
/// # Errors
///
/// When it does not, or is a replica: what a replica still serves may be out of date.
pub(crate) async fn probe(link: &Link) -> Result<(), Error> {
    let replies = link.pipeline(&PROBE).await?;
    let [ping, load, call, role] =
        <[_; 4]>::try_from(replies).map_err(|_| Error::unexpected("four replies"))?;
    ping.and(load).and(call)?;
    // Only a clear answer counts: some hosted services know no `ROLE`.
    let replica = Reply::Bytes(b"slave".to_vec());
    match role {
        Ok(Reply::Array(role)) if role.first() == Some(&replica) => Err(Error::replica()),
        _ => Ok(()),
    }
}
