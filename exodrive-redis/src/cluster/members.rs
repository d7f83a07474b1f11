//! The servers of a cluster, as far as is known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use redis::ConnectionAddr;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::watch;

use crate::cluster::redirect::Address;
use crate::cluster::slot::Slot;
use crate::cluster::topology;
use crate::cluster::topology::Range;
use crate::connector::Connector;
use crate::connector::Server;
use crate::connector::Source;
use crate::error::Error;
use crate::health::Health;
use crate::node::Node;
use crate::shared::Settings;
use crate::shared::Shared;

/// What the calls to a cluster and the task that keeps up with it share.
pub(crate) struct Members {
    /// Those of each server, but for its name.
    pub(super) settings: Settings,
    pub(super) connect_timeout: Duration,
    /// The servers to ask while no other is known.
    pub(super) seeds: Vec<Server>,
    runtime: Handle,
    map: ArcSwap<Map>,
    /// Held while the map is replaced.
    replacing: Mutex<()>,
    /// The map may be out of date.
    pub(super) doubt: Notify,
    pub(super) health: watch::Sender<Health>,
    /// To any server, those that have left included.
    pub(super) connections_made: Arc<AtomicU64>,
}

/// Which server has which slots.
#[derive(Default)]
struct Map {
    servers: BTreeMap<Address, Arc<Node>>,
    /// In order.
    slots: Vec<Owned>,
}

#[derive(Clone)]
struct Owned {
    first: Slot,
    last: Slot,
    owner: Arc<Shared>,
}

impl Members {
    pub(super) fn new(
        seeds: Vec<Server>,
        settings: Settings,
        connect_timeout: Duration,
        runtime: Handle,
    ) -> Self {
        Self {
            settings,
            connect_timeout,
            seeds,
            runtime,
            map: ArcSwap::default(),
            replacing: Mutex::new(()),
            doubt: Notify::new(),
            health: watch::Sender::new(Health::starting(SystemTime::now())),
            connections_made: Arc::default(),
        }
    }

    /// Returns the server that has a slot.
    pub(super) fn owner(&self, slot: Slot) -> Option<Arc<Shared>> {
        let map = self.map.load();
        let position = map.slots.partition_point(|owned| owned.last < slot);
        let owned = map.slots.get(position)?;
        (owned.first <= slot).then(|| Arc::clone(&owned.owner))
    }

    /// Returns all servers, those without slots among them, each time beginning with another one.
    pub(super) fn servers(&self) -> Vec<Arc<Shared>> {
        let map = self.map.load();
        let servers = map.servers.values().map(|node| Arc::clone(node.shared()));
        let mut servers: Vec<_> = servers.collect();
        if !servers.is_empty() {
            let first = fastrand::usize(..servers.len());
            servers.rotate_left(first);
        }
        servers
    }

    /// Returns the server at an address to which a server has redirected.
    ///
    /// If nobody has heard of it, it is one that is about to get its first slots.
    pub(super) fn server_at(self: &Arc<Self>, address: Address) -> Arc<Shared> {
        if let Some(node) = self.map.load().servers.get(&address) {
            return Arc::clone(node.shared());
        }
        let _alone = self.alone();
        let map = self.map.load();
        let mut servers = map.servers.clone();
        let node = servers
            .entry(address)
            .or_insert_with_key(|address| self.start(address));
        let server = Arc::clone(node.shared());
        let slots = map.slots.clone();
        self.map.store(Arc::new(Map { servers, slots }));
        server
    }

    /// Replaces what is known by what a server has told.
    pub(super) fn learn(self: &Arc<Self>, ranges: Vec<Range>) {
        let _alone = self.alone();
        let known = &self.map.load().servers;
        // One without slots is about to get some, or has just had its last ones taken.
        let mut servers: BTreeMap<_, _> = known
            .iter()
            .filter(|(_, node)| node.shared().link().is_some())
            .map(|(address, node)| (address.clone(), Arc::clone(node)))
            .collect();
        let slots = ranges.into_iter().map(|range| {
            let address = range.master;
            let kept = known.get(&address).map(Arc::clone);
            let node = servers
                .entry(address)
                .or_insert_with_key(|address| kept.unwrap_or_else(|| self.start(address)));
            Owned {
                first: range.first,
                last: range.last,
                owner: Arc::clone(node.shared()),
            }
        });
        let slots = slots.collect();
        self.map.store(Arc::new(Map { servers, slots }));
    }

    /// Brings the health up to date.
    pub(super) fn report(&self, error: Option<&Error>) {
        let mut change = None;
        // Everything is read under the channel's lock, so that of two reports the later one stays.
        self.health.send_if_modified(|health| {
            let map = self.map.load();
            let owners = map.servers.values().map(|node| node.shared());
            let owners = owners.filter(|server| {
                map.slots
                    .iter()
                    .any(|owned| Arc::ptr_eq(&owned.owner, server))
            });
            let owners: Vec<_> = owners
                .map(|server| server.health().borrow().clone())
                .collect();
            let complete =
                topology::is_complete(map.slots.iter().map(|owned| (owned.first, owned.last)));
            let now = health.after_all(&owners, complete, error, SystemTime::now());
            if now == *health {
                return false;
            }
            let before = std::mem::replace(health, now.clone());
            // What happens to a server, it logs itself.
            change = map.servers.is_empty().then_some((before, now));
            true
        });
        if let Some((before, now)) = change {
            now.log_transition(&before, &self.settings.server);
        }
    }

    fn start(self: &Arc<Self>, address: &Address) -> Arc<Node> {
        let Address { host, port } = address;
        let server = self.seeds[0].at(ConnectionAddr::Tcp(host.clone(), *port));
        let source = Source::Server(server);
        let settings = Settings {
            server: source.name(),
            ..self.settings.clone()
        };
        let connector = Connector {
            source,
            timeout: self.connect_timeout,
            buffer: settings.in_flight,
            clustered: true,
            made: Arc::clone(&self.connections_made),
        };
        let mut node = Node::start(settings, connector, &self.runtime);
        let health = node.shared().health().subscribe();
        node.spawn(pass_on(health, Arc::downgrade(self)), &self.runtime);
        Arc::new(node)
    }

    fn alone(&self) -> impl Sized {
        // Nothing that can be left half done happens under the lock.
        self.replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes what happens to a server known as something that happens to the cluster.
async fn pass_on(mut health: watch::Receiver<Health>, members: Weak<Members>) {
    while health.changed().await.is_ok() {
        let Some(members) = members.upgrade() else {
            break;
        };
        members.report(None);
        members.doubt.notify_one();
    }
}
