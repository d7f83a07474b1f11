//! Which server is the master, by the word of its sentinels.

use redis::ConnectionAddr;

use crate::command::Command;
use crate::connector::Server;
use crate::error::Error;
use crate::race::first_answer;
use crate::reply::FromReply;

/// The sentinels that watch over one master.
#[derive(Clone)]
pub(crate) struct Sentinels {
    pub(crate) servers: Vec<Server>,
    /// The name they know the master by.
    pub(crate) master: String,
}

impl Sentinels {
    /// Returns where the master is now.
    ///
    /// All sentinels are asked at the same time, so that one that is gone delays nobody. One that
    /// has missed a failover names the old master, which is then gone too or answers the probe as a
    /// replica; the next attempt asks again.
    pub(crate) async fn locate(&self) -> Result<ConnectionAddr, Error> {
        let servers = self.servers.iter().cloned();
        let answers = servers.map(|server| ask(server, self.master.clone()));
        first_answer(answers, Error::unknown_master()).await
    }
}

async fn ask(sentinel: Server, master: String) -> Result<ConnectionAddr, Error> {
    let link = sentinel.connect(1).await?;
    let question = Command::new("SENTINEL")
        .arg("get-master-addr-by-name")
        .arg(master);
    let answer = link.query(question.packed()).await?;
    let Some([host, port]) = <Option<[String; 2]>>::from_reply(answer)? else {
        return Err(Error::unknown_master());
    };
    let port = port.parse();
    let port = port.map_err(|_| Error::unexpected("the port of the master"))?;
    Ok(ConnectionAddr::Tcp(host, port))
}
