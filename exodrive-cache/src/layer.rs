//! The layer of one route.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::route_policy::RoutePolicy;
use crate::service::CacheService;
use crate::shared::Shared;
use crate::store::Store;

/// Caches the answers of a route. Made by [`Cache::layer`](crate::Cache::layer).
///
/// The layer keeps the answers of the service under it, so it belongs inside whatever adds something
/// to each answer (error envelopes, rate-limit headers) and whatever refuses requests
/// (authentication).
pub struct CacheLayer<St: Store> {
    shared: Arc<Shared<St>>,
    policy: Arc<RoutePolicy>,
}

impl<St: Store> CacheLayer<St> {
    pub(crate) fn new(shared: Arc<Shared<St>>, policy: Arc<RoutePolicy>) -> Self {
        Self { shared, policy }
    }
}

impl<S, St: Store> Layer<S> for CacheLayer<St> {
    type Service = CacheService<S, St>;

    fn layer(&self, inner: S) -> Self::Service {
        CacheService::new(inner, self.shared.clone(), self.policy.clone())
    }
}

impl<St: Store> Clone for CacheLayer<St> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone(), self.policy.clone())
    }
}

impl<St: Store> fmt::Debug for CacheLayer<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheLayer")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
