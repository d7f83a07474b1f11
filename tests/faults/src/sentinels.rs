//! A master that moves.

use redis_test::sentinel::RedisSentinelCluster;
use redis_test::server::RedisServer;

use crate::admin::Admin;

/// Three sentinels that watch a master and its replica.
#[expect(missing_debug_implementations, reason = "there is nothing to show")]
pub struct Sentinels {
    cluster: RedisSentinelCluster,
}

impl Sentinels {
    /// The name by which the sentinels know the master.
    pub const MASTER: &str = "master0";

    /// Starts all five, and waits until each sentinel knows the replica that it is to promote.
    pub async fn start() -> Self {
        let cluster = RedisSentinelCluster::new(1, 1, 3);
        for server in &cluster.sentinel_servers {
            let sentinel = Admin::connect(url(server)).await;
            let replicas = format!("SENTINEL replicas {}", Self::MASTER);
            let known = |replicas: &Vec<redis::Value>| !replicas.is_empty();
            sentinel.until(&replicas, known).await;
            // Tests do not have the half a minute that is usual.
            let hurry = "down-after-milliseconds 300";
            sentinel
                .order(&format!("SENTINEL SET {} {hurry}", Self::MASTER))
                .await;
        }
        Self { cluster }
    }

    /// Returns the URLs of the sentinels.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.cluster.sentinel_servers.iter().map(url).collect()
    }

    /// Ends the first master as a crash would; the sentinels promote the replica.
    pub fn kill_master(&mut self) {
        // It was started first.
        self.cluster.servers[0].stop();
    }
}

fn url(server: &RedisServer) -> String {
    format!("redis://{}", server.client_addr())
}
