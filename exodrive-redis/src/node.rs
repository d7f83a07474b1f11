//! One server, and the tasks that keep it at hand.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::connector::Connector;
use crate::shared::Settings;
use crate::shared::Shared;
use crate::tasks;

/// A server with its background tasks, which end with it.
pub(crate) struct Node {
    shared: Arc<Shared>,
    /// They share `shared` but not the node.
    #[cfg_attr(
        not(feature = "cluster"),
        expect(dead_code, reason = "it is there to be dropped")
    )]
    tasks: JoinSet<()>,
}

impl Node {
    /// Starts to connect.
    pub(crate) fn start(settings: Settings, connector: Connector, runtime: &Handle) -> Self {
        let shared = Arc::new(Shared::new(settings, connector));
        let tasks = tasks::start(&shared, runtime);
        Self { shared, tasks }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs one more task for as long as the node is there.
    #[cfg(feature = "cluster")]
    pub(crate) fn spawn(
        &mut self,
        task: impl Future<Output = ()> + Send + 'static,
        runtime: &Handle,
    ) {
        self.tasks.spawn_on(task, runtime);
    }
}
