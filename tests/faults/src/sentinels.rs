//! A master that moves.

use crate::admin::Admin;
use crate::server::Server;

/// Three sentinels that watch a master and its replica.
#[derive(Debug)]
pub struct Sentinels {
    master: Server,
    /// It is there to be promoted.
    replica: Server,
    sentinels: Vec<Server>,
}

impl Sentinels {
    /// The name by which the sentinels know the master.
    pub const MASTER: &str = "the-master";

    /// Starts all five, and waits until each sentinel knows the replica that it is to promote.
    pub async fn start() -> Self {
        let master = Server::configured(&["--repl-diskless-sync-delay", "0"]);
        let address = master.address();
        let (host, port) = address.split_once(':').unwrap();
        let replica = Server::configured(&["--replicaof", host, port]);
        let connected = |role: &String| role.contains("master_link_status:up");
        replica
            .admin()
            .await
            .until("INFO replication", connected)
            .await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let sentinel = Server::sentinel();
            watch(&sentinel.admin().await, host, port).await;
            sentinels.push(sentinel);
        }
        for sentinel in &sentinels {
            let admin = sentinel.admin().await;
            for known in ["replicas", "sentinels"] {
                let known = format!("SENTINEL {known} {}", Self::MASTER);
                let any = |others: &Vec<redis::Value>| !others.is_empty();
                admin.until(&known, any).await;
            }
        }
        Self {
            master,
            replica,
            sentinels,
        }
    }

    /// Returns the URLs of the sentinels.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let sentinels = self.sentinels.iter();
        sentinels.map(|sentinel| sentinel.url_as("")).collect()
    }

    /// Returns the URL that names the master, with the login of [`Server::url`].
    #[must_use]
    pub fn url(&self) -> String {
        self.master.url_at(Self::MASTER)
    }

    /// Ends the first master as a crash would; the sentinels promote the replica.
    pub fn kill_master(&mut self) {
        self.master.kill();
    }

    /// Waits until all sentinels name the replica as the master.
    pub async fn promoted(&self) {
        let replica = self.replica.address();
        let named = |address: &Vec<String>| address.join(":") == replica;
        let ask = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {}", Self::MASTER);
        for sentinel in &self.sentinels {
            sentinel.admin().await.until(&ask, named).await;
        }
    }
}

/// Tells a sentinel its master, and to be quick: tests do not have the half a minute that is usual.
async fn watch(sentinel: &Admin, host: &str, port: &str) {
    let master = Sentinels::MASTER;
    // Two of the three have to agree.
    sentinel
        .order(&format!("SENTINEL MONITOR {master} {host} {port} 2"))
        .await;
    for setting in ["down-after-milliseconds 300", "failover-timeout 3000"] {
        sentinel
            .order(&format!("SENTINEL SET {master} {setting}"))
            .await;
    }
}
