//! Loading one object: one load per key in this process, on a task of its own.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::Instrument;

use super::cache::Object;
use super::error::LoadError;
use super::inquiry::{Followed, Inquiry, Looked};
use super::policies::New;
use crate::Tag;
use crate::decision::Outcome;
use crate::error::BoxError;
use crate::fetch::MAX_JOINS;
use crate::flight::{Join, Lead};
use crate::limits::Permit;
use crate::patience::Patience;
use crate::store::{Opened, Opening, Release, Store, Turn};

/// A loader that has not been asked yet.
pub(super) type Load<R> = Pin<Box<dyn Future<Output = Result<R, BoxError>> + Send>>;

/// What a load shares with everybody who waits for it.
pub(crate) type Loaded = Result<Shareable, LoadError>;

/// An object that may be given to those who came before one of its tags was invalidated.
#[derive(Clone, Debug)]
pub(crate) struct Shareable {
    pub(super) object: Arc<dyn Any + Send + Sync>,
    pub(super) tags: Arc<[Tag]>,
}

/// The load of one object that others can wait for.
pub(super) struct Loading<T, St: Store> {
    pub(super) inquiry: Inquiry<T, St>,
    pub(super) lead: Lead<St::Fill, Loaded>,
}

/// What becomes of a load that is to be opened.
pub(super) enum Begun<T> {
    /// It is open: whoever waits gets what it loads.
    Open,
    /// Another instance has the object by now.
    Found(Arc<T>),
    /// Another instance is loading it.
    Busy,
}

// === impl Inquiry ===

impl<T: Object, St: Store> Inquiry<T, St> {
    /// Returns the object from the store, from a load that is under way, or by loading it.
    pub(super) async fn get_or_load(mut self, load: Load<T>) -> Result<Arc<T>, LoadError> {
        let patience = Patience::start(&self.named.policy.schedule);
        let mut outdated = None;
        for _ in 0..MAX_JOINS {
            let join = self.join(outdated.as_ref());
            // Another load may have ended since this question was asked.
            let looked = self.lookup().await;
            match (join, looked) {
                (Join::Lead(lead), Looked::Found(object)) => {
                    lead.release();
                    return Ok(object);
                }
                (Join::Lead(lead), Looked::Due(object)) => {
                    self.refresh(lead, load);
                    return Ok(object);
                }
                (Join::Lead(lead), Looked::Nothing) => {
                    return self.lead(lead, load, patience).await;
                }
                (Join::Follow(_), Looked::Found(object) | Looked::Due(object)) => {
                    return Ok(object);
                }
                (Join::Follow(flight), Looked::Nothing) => {
                    let followed = self.follow(&flight);
                    match patience.wait(self.has_fallback(), followed).await {
                        Some(Followed::Loaded(object)) => return Ok(object),
                        Some(Followed::Failed(error)) => return self.fallback(error).await,
                        Some(Followed::Outdated) => outdated = Some(flight),
                        Some(Followed::Released) => outdated = None,
                        Some(Followed::Abandoned) => break,
                        None => return self.fallback(LoadError::SLOW).await,
                    }
                }
            }
        }
        let Some(_call) = self.named.limits.call() else {
            return self.fallback(LoadError::OVERLOADED).await;
        };
        match patience.wait(self.has_fallback(), self.alone(load)).await {
            Some(result) => result,
            None => self.fallback(LoadError::SLOW).await,
        }
    }

    async fn lead(
        self,
        lead: Lead<St::Fill, Loaded>,
        load: Load<T>,
        patience: Patience,
    ) -> Result<Arc<T>, LoadError> {
        let Some(call) = self.named.limits.call() else {
            lead.release();
            return self.fallback(LoadError::OVERLOADED).await;
        };
        let inquiry = self.clone();
        let (reply, answer) = oneshot::channel();
        let loading = Loading { inquiry, lead };
        tokio::spawn(loading.run(Turn::Wait, call, load, reply).in_current_span());
        match patience.wait(self.has_fallback(), answer).await {
            Some(Ok(result)) => result,
            // What runs on the task beside the loader does not panic, so the runtime is shutting down.
            Some(Err(_)) => Err(LoadError::PANICKED),
            None => self.fallback(LoadError::SLOW).await,
        }
    }

    /// Loads the object anew in the background, unless there is too much of that already.
    fn refresh(self, lead: Lead<St::Fill, Loaded>, load: Load<T>) {
        let limits = &self.named.limits;
        let (Some(refresh), Some(call)) = (limits.refresh(), limits.call()) else {
            return lead.release();
        };
        // Nobody waits for it.
        let (reply, _) = oneshot::channel();
        let inquiry = self;
        let loading = Loading { inquiry, lead };
        let refreshing = async move {
            loading.run(Turn::Yield, call, load, reply).await;
            drop(refresh);
        };
        tokio::spawn(refreshing.in_current_span());
    }

    /// Loads for this question only.
    async fn alone(&self, load: Load<T>) -> Result<Arc<T>, LoadError> {
        let loaded = self.contained(async { load.await.map_err(LoadError::of_loader) });
        match loaded.await {
            Ok(object) => {
                self.named.ended(Outcome::Miss { unstorable: None });
                Ok(Arc::new(object))
            }
            Err(error) => self.fallback(error).await,
        }
    }

    /// Runs what the application has written for as long as it may take. A panic ends there.
    pub(super) async fn contained<R>(
        &self,
        work: impl Future<Output = Result<R, LoadError>>,
    ) -> Result<R, LoadError> {
        let work = AssertUnwindSafe(work).catch_unwind();
        match timeout(self.named.policy.schedule.timeout, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(LoadError::PANICKED),
            Err(_) => Err(LoadError::SLOW),
        }
    }
}

// === impl Loading ===

impl<T: Object, St: Store> Loading<T, St> {
    async fn run(
        mut self,
        turn: Turn,
        call: Permit,
        load: Load<T>,
        reply: oneshot::Sender<Result<Arc<T>, LoadError>>,
    ) {
        match self.begin(turn).await {
            Begun::Open => {}
            Begun::Found(object) => {
                let _ = reply.send(Ok(object));
                return;
            }
            Begun::Busy if turn == Turn::Yield => return,
            Begun::Busy => {
                let _ = reply.send(self.inquiry.alone(load).await);
                return;
            }
        }
        let Self { inquiry, .. } = &self;
        let requested_at = inquiry.shared.clock.now();
        let made = inquiry.contained(async {
            let object = load.await.map_err(LoadError::of_loader)?;
            let now = inquiry.shared.clock.now();
            let took = now.duration_since(requested_at).unwrap_or_default();
            inquiry.named.loaded(took);
            let chance = inquiry.shared.chance.draw();
            let object = Arc::new(object);
            Ok(inquiry.named.make(&inquiry.key, object, now, took, chance))
        });
        let made = made.await;
        drop(call);
        match made {
            Ok(new) => {
                self.announce(&new);
                inquiry.named.ended(Outcome::Miss { unstorable: None });
                let _ = reply.send(Ok(new.object.clone()));
                self.store(new).await;
            }
            Err(error) => {
                self.fail(error.clone());
                let _ = reply.send(inquiry.fallback(error).await);
                self.give_up(Release::Failed).await;
            }
        }
    }

    /// Opens the fill.
    pub(super) async fn begin(&mut self, turn: Turn) -> Begun<T> {
        let Self { inquiry, lead } = self;
        let opening = Opening {
            key: &inquiry.key,
            tags: &inquiry.tags,
            replaces: inquiry.stale.as_ref().map(|stale| &*stale.entry),
            turn,
            replica_lag: inquiry.named.policy.schedule.replica_lag,
        };
        match inquiry.shared.open(opening).await {
            Opened::Fill(basis) => {
                lead.open(basis);
                return Begun::Open;
            }
            Opened::Found(found) => {
                lead.release();
                if let Looked::Found(object) | Looked::Due(object) = inquiry.look_at(found) {
                    return Begun::Found(object);
                }
            }
            Opened::Busy => lead.release(),
        }
        Begun::Busy
    }

    /// Gives an object to everybody who waits.
    pub(super) fn announce(&self, new: &New<T>) {
        self.lead.announce(Ok(Shareable {
            object: new.object.clone(),
            tags: new.tags.clone(),
        }));
    }

    /// Tells everybody who waits that there is none.
    pub(super) fn fail(&self, error: LoadError) {
        self.lead.announce(Err(error));
        self.lead.abandon();
    }

    /// Ends the fill with what was loaded.
    pub(super) async fn store(&self, new: New<T>) {
        let Inquiry { shared, named, .. } = &self.inquiry;
        let Some(entry) = new.entry else {
            return self.give_up(Release::Unstorable).await;
        };
        let bytes = entry.body().len();
        if shared.commit(&named.name, &self.lead, entry).await {
            named.stored(bytes);
        }
    }

    /// Ends the fill with nothing.
    pub(super) async fn give_up(&self, release: Release) {
        if let Some(fill) = self.lead.fill() {
            self.inquiry.shared.store.release(fill, release).await;
        }
    }
}
