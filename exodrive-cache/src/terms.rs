//! What a handler says, while it runs, of how its answer is cached.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::Tag;

/// A handle that each request on a cached route carries in its extensions, through which the handler says how
/// its answer is cached.
///
/// What it says counts once the answer's head is there, for this answer only, and beside what the policy says.
/// Clones are the same handle, so it can be given to whatever looks the data up. A request that the
/// cache has nothing to do with carries one as well; nobody reads it.
///
/// ```
/// # use exodrive_cache::{CacheTerms, tag};
/// # use http::{Request, Response};
/// # use std::time::Duration;
/// async fn handler(request: Request<()>) -> Response<String> {
///     if let Some(terms) = request.extensions().get::<CacheTerms>() {
///         terms.tag(tag!("car:7")).ttl(Duration::from_secs(5));
///     }
///     Response::new("a car whose price is about to change".to_owned())
/// }
/// # let _ = handler;
/// ```
#[derive(Clone, Debug, Default)]
pub struct CacheTerms(Arc<Mutex<Terms>>);

/// What was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) tags: Vec<Tag>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) no_store: bool,
}

impl CacheTerms {
    /// Adds a tag to the answer, as [`ResponseTags`](crate::ResponseTags) does.
    pub fn tag(&self, tag: Tag) -> &Self {
        self.0.lock().tags.push(tag);
        self
    }

    /// Sets how long the answer is kept, in place of the policy's time to live. Zero keeps it out of the store.
    ///
    /// Said several times, the shortest counts. Under [`Origin::Rfc9111`](crate::Origin::Rfc9111) the answer's header
    /// decides, and this has no effect.
    pub fn ttl(&self, ttl: Duration) -> &Self {
        let mut terms = self.0.lock();
        terms.ttl = Some(terms.ttl.map_or(ttl, |earlier| earlier.min(ttl)));
        drop(terms);
        self
    }

    /// Keeps the answer out of the store.
    pub fn no_store(&self) -> &Self {
        self.0.lock().no_store = true;
        self
    }

    pub(crate) fn said(&self) -> Terms {
        self.0.lock().clone()
    }
}
