//! What is asked of the store and of the loads that are under way, for one object.

use std::sync::Arc;

use super::cache::Object;
use super::error::LoadError;
use super::load::Loaded;
use super::policies::Named;
use crate::decision::Outcome;
use crate::flight::{Flight, Join, Stage};
use crate::question::Stale;
use crate::reason::StaleReason;
use crate::reuse::Reuse;
use crate::shared::Shared;
use crate::store::{Found, Store};
use crate::{CacheKey, Tag};

/// One question for one object.
pub(super) struct Inquiry<T, St: Store> {
    pub(super) shared: Arc<Shared<St>>,
    pub(super) named: Arc<Named<T>>,
    pub(super) key: CacheKey,
    pub(super) tags: Arc<[Tag]>,
    pub(super) stale: Option<Stale>,
}

/// What this process's memory makes of a question.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is returned"
)]
pub(super) enum Asked<T, St: Store> {
    /// It has the object.
    Answered(Arc<T>),
    /// It has none, or there is something to be done about it.
    Open(Inquiry<T, St>),
}

/// What the store says.
pub(super) enum Looked<T> {
    /// It has the object.
    Found(Arc<T>),
    /// It has one that may be served while it is loaded anew, which is due.
    Due(Arc<T>),
    /// It has none, or one that has to be replaced first.
    Nothing,
}

/// What a load says that somebody else began.
pub(super) enum Followed<T> {
    Loaded(Arc<T>),
    Failed(LoadError),
    Outdated,
    Released,
    Abandoned,
}

// === impl Inquiry ===

impl<T: Object, St: Store> Inquiry<T, St> {
    /// Returns the object if it is in the store and may be served.
    pub(super) async fn find(mut self) -> Option<Arc<T>> {
        match self.lookup().await {
            Looked::Found(object) | Looked::Due(object) => Some(object),
            Looked::Nothing => {
                self.named.ended(Outcome::Miss { unstorable: None });
                None
            }
        }
    }

    pub(super) fn join(
        &self,
        outdated: Option<&Arc<Flight<St::Fill, Loaded>>>,
    ) -> Join<St::Fill, Loaded> {
        self.shared.loads.join(&self.key, outdated)
    }

    pub(super) async fn lookup(&mut self) -> Looked<T> {
        // Trouble with the store is a miss, but what it was known to have before may still be of use.
        match self.shared.store.lookup(&self.key, &self.tags).await {
            Ok(Some(found)) => self.look_at(found),
            Ok(None) => {
                self.stale = None;
                Looked::Nothing
            }
            Err(_) => Looked::Nothing,
        }
    }

    pub(super) fn look_at(&mut self, found: Found) -> Looked<T> {
        let (verdict, object) = self.named.judge(&self.shared, &found);
        let Some(object) = object else {
            self.named.is_unreadable();
            // Not to be served, but known: what replaces it is newer.
            self.keep(found, false);
            return Looked::Nothing;
        };
        match verdict {
            Reuse::Serve(outcome) => {
                self.named.ended(outcome);
                Looked::Found(object)
            }
            Reuse::ServeAndRefresh(outcome) => {
                self.named.ended(outcome);
                self.keep(found, false);
                Looked::Due(object)
            }
            Reuse::Replace { fallback } => {
                self.keep(found, fallback);
                Looked::Nothing
            }
        }
    }

    fn keep(&mut self, found: Found, fallback: bool) {
        let entry = found.entry;
        self.stale = Some(Stale { entry, fallback });
    }

    pub(super) async fn follow(&self, flight: &Flight<St::Fill, Loaded>) -> Followed<T> {
        if !self.is_current(flight, &self.tags).await {
            return Followed::Outdated;
        }
        match flight.landed().await {
            Stage::Answering(Err(error)) | Stage::Answered(Err(error)) => Followed::Failed(error),
            Stage::Answering(Ok(loaded)) | Stage::Answered(Ok(loaded)) => {
                if !self.is_current(flight, &loaded.tags).await {
                    return Followed::Outdated;
                }
                match loaded.object.downcast() {
                    Ok(object) => {
                        self.named.ended(Outcome::Coalesced);
                        Followed::Loaded(object)
                    }
                    Err(_) => Followed::Abandoned,
                }
            }
            Stage::Released | Stage::Failed => Followed::Released,
            Stage::Opening | Stage::Abandoned => Followed::Abandoned,
        }
    }

    /// Returns whether this question, which came after the load had begun, may have what it loads.
    ///
    /// A load that has not opened its fill yet will ask the loader later than now.
    async fn is_current(&self, flight: &Flight<St::Fill, Loaded>, tags: &[Tag]) -> bool {
        match flight.basis() {
            Some(basis) => self.shared.is_current(basis, tags).await,
            None => true,
        }
    }

    /// Returns whether there is a stale object that may be served when loading fails.
    pub(super) fn has_fallback(&self) -> bool {
        self.stale.as_ref().is_some_and(|stale| stale.fallback)
    }

    /// Returns what the store has, if there was a stale object that may be served when loading fails and nothing has
    /// removed it since, and the error otherwise.
    pub(super) async fn fallback(&self, error: LoadError) -> Result<Arc<T>, LoadError> {
        if !self.has_fallback() {
            return Err(error);
        }
        let mut now = self.clone();
        match now.lookup().await {
            // Somebody else has replaced it.
            Looked::Found(object) | Looked::Due(object) => return Ok(object),
            Looked::Nothing => {}
        }
        let stale = now
            .stale
            .filter(|stale| stale.fallback)
            .ok_or(error.clone())?;
        let age = stale.entry.age(self.shared.clock.now());
        let reason = StaleReason::Error;
        self.named.ended(Outcome::Stale { age, reason });
        stale.entry.object().ok_or(error)
    }
}

impl<T, St: Store> Clone for Inquiry<T, St> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            named: self.named.clone(),
            key: self.key.clone(),
            tags: self.tags.clone(),
            stale: self.stale.clone(),
        }
    }
}
