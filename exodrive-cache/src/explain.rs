//! What the cache would do with a request, and why.

mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::request::Parts;

use crate::admission::admit;
use crate::credentials::Audience;
use crate::decision::Outcome;
use crate::early_refresh::EarlyRefresh;
use crate::error::UnknownPolicy;
use crate::keyed_inputs::keep_keyed_inputs;
use crate::mode::Mode;
use crate::reason::Bypass;
use crate::reuse::{Reuse, reuse};
use crate::route_policy::RoutePolicy;
use crate::store::Store;
use crate::{Cache, CacheKey, Entry};

/// What the cache would do with a request at this moment, and why. Made by [`Cache::explain`].
///
/// It prints as a few lines of plain language. They name parameters and headers but hold none of their values, and
/// no principal.
#[derive(Clone, Debug)]
pub struct Explanation {
    policy: Arc<str>,
    mode: Mode,
    request: String,
    verdict: Verdict,
}

#[derive(Clone, Debug)]
enum Verdict {
    Past,
    Bypass(Bypass),
    Keyed(Box<Keyed>),
}

#[derive(Clone, Debug)]
struct Keyed {
    key: CacheKey,
    seen: Inputs,
    unseen: Inputs,
    is_for_a_principal: bool,
    stored: Stored,
}

/// The names of parameters and headers.
#[derive(Clone, Debug)]
struct Inputs {
    query: BTreeSet<String>,
    headers: BTreeSet<String>,
}

#[derive(Clone, Debug)]
enum Stored {
    Unknown,
    Nothing,
    Found {
        entry: Arc<Entry>,
        outdated: bool,
        reuse: Reuse,
    },
}

impl<St: Store> Cache<St> {
    /// Explains what would become of a request under the policy named `policy`. Nothing is asked of the handler.
    ///
    /// A body without a declared length cannot be seen from here.
    ///
    /// # Errors
    ///
    /// If there is no such policy.
    pub async fn explain(
        &self,
        policy: &str,
        request: &Parts,
    ) -> Result<Explanation, UnknownPolicy> {
        let policy = self.shared.policy(policy)?;
        Ok(Explanation {
            policy: policy.name.clone(),
            mode: policy.mode.current(),
            request: format!("{} {}", request.method, request.uri.path()),
            verdict: self.verdict(policy, request).await,
        })
    }

    async fn verdict(&self, policy: &RoutePolicy, request: &Parts) -> Verdict {
        let mode = policy.mode.current();
        if mode == Mode::Off {
            return Verdict::Past;
        }
        let admitted = match admit(&policy.policy, request) {
            Ok(admitted) => admitted,
            Err(bypass) => return Verdict::Bypass(bypass),
        };
        let mut key = policy.key(request, &admitted);
        let tags = policy.tags(request, &admitted, &key);
        if !mode.takes(|| key.digest()) {
            return Verdict::Past;
        }
        if mode == Mode::Shadow {
            key = key.in_shadow();
        }
        let stored = match self.shared.store.lookup(&key, &tags).await {
            Err(_) => Stored::Unknown,
            Ok(None) => Stored::Nothing,
            Ok(Some(found)) => {
                let now = self.shared.clock.now();
                let directives = policy.directives(request);
                // The least lucky draw: what may happen early is no part of the explanation.
                let early = EarlyRefresh {
                    beta: 0.0,
                    chance: 0.0,
                };
                Stored::Found {
                    reuse: reuse(&found.entry, found.outdated, &directives, early, now),
                    entry: found.entry,
                    outdated: found.outdated,
                }
            }
        };
        let mut seen = request.clone();
        keep_keyed_inputs(
            &policy.policy,
            &policy.headers,
            &mut seen,
            &admitted.audience,
        );
        let (all, seen) = (Inputs::of(request), Inputs::of(&seen));
        Verdict::Keyed(Box::new(Keyed {
            unseen: all.without(&seen),
            seen,
            is_for_a_principal: admitted.audience != Audience::Everybody,
            key,
            stored,
        }))
    }
}

impl Explanation {
    /// Returns the name of the policy that would decide.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Returns how far the policy is in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns why the request may not use the cache, if that is so.
    #[must_use]
    pub fn bypass(&self) -> Option<Bypass> {
        match self.verdict {
            Verdict::Bypass(reason) => Some(reason),
            Verdict::Past | Verdict::Keyed(_) => None,
        }
    }

    /// Returns the request's key, if it may use the cache.
    #[must_use]
    pub fn key(&self) -> Option<&CacheKey> {
        self.keyed().map(|keyed| &keyed.key)
    }

    /// Returns what the store holds for the request, fresh or stale.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match &self.keyed()?.stored {
            Stored::Found { entry, .. } => Some(entry),
            Stored::Unknown | Stored::Nothing => None,
        }
    }

    /// Returns how the request would be answered from the store, or `None` if the handler would be asked first.
    #[must_use]
    pub fn served(&self) -> Option<Outcome> {
        if self.mode == Mode::Shadow {
            return None;
        }
        match self.keyed()?.stored {
            Stored::Found {
                reuse: Reuse::Serve(outcome) | Reuse::ServeAndRefresh(outcome),
                ..
            } => Some(outcome),
            Stored::Unknown | Stored::Nothing | Stored::Found { .. } => None,
        }
    }

    fn keyed(&self) -> Option<&Keyed> {
        match &self.verdict {
            Verdict::Keyed(keyed) => Some(keyed),
            Verdict::Past | Verdict::Bypass(_) => None,
        }
    }
}

impl Inputs {
    fn of(request: &Parts) -> Self {
        let pairs = request.uri.query().unwrap_or_default().split('&');
        let names = pairs.filter_map(|pair| pair.split('=').next());
        Self {
            query: names
                .filter(|name| !name.is_empty())
                .map(Into::into)
                .collect(),
            headers: request.headers.keys().map(ToString::to_string).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.query.is_empty() && self.headers.is_empty()
    }

    fn without(&self, others: &Self) -> Self {
        Self {
            query: &self.query - &others.query,
            headers: &self.headers - &others.headers,
        }
    }
}
