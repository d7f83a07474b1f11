//! Which server is the master, by the word of its sentinels.

use redis::ConnectionAddr;
use tokio::task::JoinSet;

use crate::command::Command;
use crate::connector::Server;
use crate::error::Error;
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
        let mut answers = JoinSet::new();
        for server in &self.servers {
            let (server, master) = (server.clone(), self.master.clone());
            answers.spawn(async move { ask(&server, &master).await });
        }
        let mut last = Error::unknown_master();
        while let Some(answer) = answers.join_next().await {
            match answer {
                Ok(Ok(address)) => return Ok(address),
                Ok(Err(error)) => last = error,
                // The runtime is shutting down.
                Err(_) => {}
            }
        }
        Err(last)
    }
}

async fn ask(sentinel: &Server, master: &str) -> Result<ConnectionAddr, Error> {
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
