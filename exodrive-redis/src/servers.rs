//! One server or several, by what the handle was built for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::error::Error;
use crate::health::Health;
use crate::node::Node;
use crate::reply::Reply;
use crate::request::Movable;
use crate::shared::Settings;
use crate::shared::Shared;

/// What calls are made to.
pub(crate) enum Servers {
    One(Node),
    #[cfg(feature = "cluster")]
    Cluster(Cluster),
}

impl Servers {
    pub(crate) async fn call<R: Movable>(&self, request: &R) -> Result<Reply, Error> {
        match self {
            Self::One(node) => node.shared().call(request, self.deadline()).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.call(request).await,
        }
    }

    pub(crate) async fn pipeline(
        &self,
        commands: &redis::Pipeline,
    ) -> Result<Vec<Result<Reply, Error>>, Error> {
        match self {
            Self::One(node) => node.shared().call(commands, self.deadline()).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.pipeline(commands).await,
        }
    }

    /// Returns the server that has `key`.
    #[cfg_attr(
        not(feature = "cluster"),
        expect(unused_variables, reason = "one server has every key")
    )]
    pub(crate) fn server_of(&self, key: &[u8]) -> Result<Arc<Shared>, Error> {
        match self {
            Self::One(node) => Ok(Arc::clone(node.shared())),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.server_of(key),
        }
    }

    /// Finds out in the background whether keys have moved.
    pub(crate) fn look_again(&self) {
        match self {
            Self::One(_) => {}
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.look_again(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        match self {
            Self::One(node) => node.shared().settings(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.settings(),
        }
    }

    pub(crate) fn health(&self) -> &watch::Sender<Health> {
        match self {
            Self::One(node) => node.shared().health(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.health(),
        }
    }

    pub(crate) fn connections_made(&self) -> u64 {
        match self {
            Self::One(node) => node.shared().connections_made(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.connections_made(),
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        match self {
            Self::One(node) => node.shared().in_flight(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.in_flight(),
        }
    }

    fn deadline(&self) -> Duration {
        self.settings().deadline
    }
}
