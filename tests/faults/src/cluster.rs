//! Several servers that share the slots.

use redis_test::utils::get_random_available_port;

use crate::admin::Admin;
use crate::server::Server;
use crate::server::USUAL;

/// What a handle needs besides, as its documentation states it.
const HANDLE: &str = "+asking +cluster|info +cluster|slots";

const SLOTS: usize = 16_384;

/// Masters without replicas, each with its share of the slots.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes, in the order of their slots.
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    server: Server,
    admin: Admin,
    id: String,
}

impl Cluster {
    /// Starts as many masters, and waits until each says that the cluster is well.
    pub async fn start(masters: usize) -> Self {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for number in 0..masters {
            // The usual port of the bus, which is 10,000 above, may be none.
            let bus = get_random_available_port().to_string();
            let settings = [
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "500",
                // What the others serve is served while one is gone.
                "--cluster-require-full-coverage",
                "no",
                "--cluster-port",
                &bus,
            ];
            let server = Server::with(&format!("{USUAL} {HANDLE}"), &settings);
            let admin = server.admin().await;
            let first = number * SLOTS / masters;
            let last = (number + 1) * SLOTS / masters - 1;
            admin
                .order(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"))
                .await;
            admin
                .order(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1))
                .await;
            let id = admin.ask("CLUSTER MYID").await;
            nodes.push(Node { server, admin, id });
            buses.push(bus);
        }
        let (first, others) = nodes.split_first().unwrap();
        for (node, bus) in others.iter().zip(&buses[1..]) {
            let address = node.server.address().replace(':', " ");
            first
                .admin
                .order(&format!("CLUSTER MEET {address} {bus}"))
                .await;
        }
        for node in &nodes {
            let well = |info: &String| {
                info.contains("cluster_state:ok")
                    && info.contains(&format!("cluster_known_nodes:{masters}"))
                    && info.contains(&format!("cluster_slots_ok:{SLOTS}"))
            };
            node.admin.until("CLUSTER INFO", well).await;
        }
        Self { nodes }
    }

    /// Returns the URLs of the nodes, in the order of their slots.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.server.url()).collect()
    }

    /// Returns a node, to stall it, to kill it or to connect to it.
    #[must_use]
    pub fn node(&self, number: usize) -> &Server {
        &self.nodes[number].server
    }

    /// Returns a node, to kill it or to start it anew.
    #[must_use]
    pub fn node_mut(&mut self, number: usize) -> &mut Server {
        &mut self.nodes[number].server
    }

    /// Returns a connection to a node as the default user.
    #[must_use]
    pub fn admin(&self, number: usize) -> &Admin {
        &self.nodes[number].admin
    }

    /// Waits until a node that was started anew serves its slots.
    pub async fn serves(&self, number: usize) {
        let well = |info: &String| info.contains("cluster_state:ok");
        let admin = self.nodes[number].server.admin().await;
        admin.until("CLUSTER INFO", well).await;
    }

    /// Begins to move a slot: what is asked of `from` and not there any more is to be asked of `to`.
    pub async fn begin_migration(&self, slot: u16, from: usize, to: usize) {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let importing = format!("CLUSTER SETSLOT {slot} IMPORTING {}", from.id);
        to.admin.order(&importing).await;
        let migrating = format!("CLUSTER SETSLOT {slot} MIGRATING {}", to.id);
        from.admin.order(&migrating).await;
    }

    /// Moves the keys of a slot whose migration has begun.
    pub async fn migrate_keys(&self, slot: u16, from: usize, to: usize) {
        let address = self.nodes[to].server.address().replace(':', " ");
        let from = &self.nodes[from].admin;
        loop {
            let keys: Vec<String> = from.ask(&format!("CLUSTER GETKEYSINSLOT {slot} 10")).await;
            let Some(key) = keys.first() else { break };
            from.order(&format!("MIGRATE {address} {key} 0 5000")).await;
        }
    }

    /// Gives a slot to another node, and tells all that are there.
    pub async fn finish_migration(&self, slot: u16, to: usize) {
        let order = format!("CLUSTER SETSLOT {slot} NODE {}", self.nodes[to].id);
        // The new owner first, so that at no time nobody owns it.
        self.nodes[to].admin.order(&order).await;
        for node in &self.nodes {
            node.admin.order(&order).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_moves_with_its_keys() {
        const SLOT: u16 = 15_495;
        let cluster = Cluster::start(3).await;
        let key: u16 = cluster.admin(0).ask("CLUSTER KEYSLOT a").await;
        assert_eq!(key, SLOT);
        cluster.admin(2).order("SET a 1").await;
        cluster.begin_migration(SLOT, 2, 0).await;
        cluster.migrate_keys(SLOT, 2, 0).await;
        let asked = cluster.admin(2).try_ask::<String>("GET a").await;
        assert_eq!(asked.unwrap_err().code(), Some("ASK"));
        cluster.finish_migration(SLOT, 0).await;
        let moved = cluster.admin(1).try_ask::<String>("GET a").await;
        assert_eq!(moved.unwrap_err().code(), Some("MOVED"));
        assert_eq!(cluster.admin(0).ask::<u8>("GET a").await, 1);
    }
}
