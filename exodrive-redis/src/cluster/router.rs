//! Calls to the server that has the key, wherever that is by now.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::cluster::keeper::keep_up;
use crate::cluster::members::Members;
use crate::cluster::redirect::Redirect;
use crate::cluster::slot::Slot;
use crate::connector::Server;
use crate::error::Error;
use crate::health::Health;
use crate::health::Status;
use crate::reply::Reply;
use crate::request::Movable;
use crate::shared::Settings;
use crate::shared::Shared;

/// How often a call is sent on. One that goes in circles would otherwise do so until its deadline.
const REDIRECTS: u32 = 5;

/// The servers of a cluster and the task that keeps up with it, which ends with this.
pub(crate) struct Cluster {
    members: Arc<Members>,
    _keeper: JoinSet<()>,
}

/// The one deadline of a call, however often it is sent on.
#[derive(Clone, Copy)]
struct Clock {
    begun: Instant,
    deadline: Duration,
}

impl Clock {
    /// Returns how much time is left, or that there is none.
    fn left(&self) -> Result<Duration, Error> {
        let left = self.deadline.checked_sub(self.begun.elapsed());
        left.filter(|left| !left.is_zero())
            .ok_or_else(|| Error::timed_out(self.deadline))
    }
}

impl Cluster {
    /// Starts to ask `seeds` for the servers; there is at least one.
    pub(crate) fn start(
        seeds: Vec<Server>,
        settings: Settings,
        connect_timeout: Duration,
        runtime: &Handle,
    ) -> Self {
        let members = Members::new(seeds, settings, connect_timeout, runtime.clone());
        let members = Arc::new(members);
        let mut keeper = JoinSet::new();
        keeper.spawn_on(keep_up(Arc::clone(&members)), runtime);
        Self {
            members,
            _keeper: keeper,
        }
    }

    pub(crate) async fn call<R: Movable>(&self, request: &R) -> Result<Reply, Error> {
        let clock = self.clock();
        let server = self.server(request.slot())?;
        let outcome = server.call(request, clock.left()?).await;
        self.follow(request, server, outcome, clock).await
    }

    /// Makes one call of all commands; those that are refused for their place are then sent on alone.
    pub(crate) async fn pipeline(
        &self,
        commands: &redis::Pipeline,
    ) -> Result<Vec<Result<Reply, Error>>, Error> {
        let clock = self.clock();
        let server = self.server(slot_of_all(commands)?)?;
        let outcomes = server.call(commands, clock.left()?).await?;
        let mut followed = Vec::with_capacity(outcomes.len());
        for (command, outcome) in commands.cmd_iter().zip(outcomes) {
            let server = Arc::clone(&server);
            followed.push(self.follow(command, server, outcome, clock).await);
        }
        Ok(followed)
    }

    /// Sends a request on for as long as the servers say that it belongs elsewhere.
    async fn follow<R: Movable>(
        &self,
        request: &R,
        mut server: Arc<Shared>,
        mut outcome: Result<Reply, Error>,
        clock: Clock,
    ) -> Result<Reply, Error> {
        let mut asking = false;
        for redirects in 0..REDIRECTS {
            let error = outcome.as_ref().err();
            let Some(redirect) = error.and_then(|error| Redirect::of(error, server.host())) else {
                break;
            };
            match redirect {
                Redirect::Moved(address) => {
                    self.look_again();
                    server = self.members.server_at(address);
                    asking = false;
                }
                Redirect::Ask(address) => {
                    server = self.members.server_at(address);
                    asking = true;
                }
                // The rest of the keys is on its way.
                Redirect::Again => {
                    let pause = Duration::from_millis(1 << redirects);
                    sleep(pause.min(clock.left()?)).await;
                }
            }
            // One that was not known before is being connected to.
            let mut health = server.health().subscribe();
            let tried = health.wait_for(|health| health.status() != Status::Starting);
            let _ = timeout(clock.left()?, tried).await;
            outcome = if asking {
                server.call(&request.asking(), clock.left()?).await
            } else {
                server.call(request, clock.left()?).await
            };
        }
        outcome
    }

    pub(crate) fn server_of(&self, key: &[u8]) -> Result<Arc<Shared>, Error> {
        self.server(Some(Slot::of_key(key)))
    }

    /// Asks again who has which slots.
    pub(crate) fn look_again(&self) {
        self.members.doubt.notify_one();
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.members.settings
    }

    pub(crate) fn health(&self) -> &watch::Sender<Health> {
        &self.members.health
    }

    pub(crate) fn connections_made(&self) -> u64 {
        self.members.connections_made.load(Ordering::Acquire)
    }

    pub(crate) fn in_flight(&self) -> usize {
        let servers = self.members.servers().into_iter();
        servers.map(|server| server.in_flight()).sum()
    }

    /// Returns the server of a slot, or any that is connected for what has no key.
    fn server(&self, slot: Option<Slot>) -> Result<Arc<Shared>, Error> {
        let server = match slot {
            Some(slot) => self.members.owner(slot),
            None => {
                let mut servers = self.members.servers().into_iter();
                servers.find(|server| server.link().is_some())
            }
        };
        server.ok_or_else(Error::not_connected)
    }

    fn clock(&self) -> Clock {
        Clock {
            begun: Instant::now(),
            deadline: self.settings().deadline,
        }
    }
}

/// Returns the one slot of all commands that have a key.
fn slot_of_all(commands: &redis::Pipeline) -> Result<Option<Slot>, Error> {
    let mut slots = commands.cmd_iter().filter_map(Slot::of_command);
    let first = slots.next();
    if slots.all(|slot| Some(slot) == first) {
        Ok(first)
    } else {
        Err(Error::several_slots())
    }
}
