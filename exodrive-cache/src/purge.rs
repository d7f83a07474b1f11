//! Invalidating what is stored for one request.

use http::request::Parts;

use crate::admission::admit;
use crate::error::{PurgeError, PurgeFailure};
use crate::store::{Invalidated, Invalidation, Store};
use crate::{Cache, CacheKey, Tag, tag};

/// Returns the tag that every answer under a key carries, and no other.
pub(crate) fn key_tag(key: &CacheKey) -> Tag {
    tag!("key://{:032x}", key.digest())
}

impl<St: Store> Cache<St> {
    /// Invalidates what the policy named `policy` has stored for a request, in all its variants, and the fill for it that is under
    /// way. The policy has to be one whose answers can be purged one by one: see
    /// [`CachePolicy::purge_by_key`](crate::CachePolicy::purge_by_key).
    ///
    /// `request` is one that the answer could be for: with the same authority, path and keyed inputs.
    ///
    /// # Errors
    ///
    /// If there is no such policy, if its answers have no tags of their own, if the request may not use the cache, in which
    /// case nothing is stored for it, or if the store failed.
    pub async fn purge(
        &self,
        policy: &str,
        request: &Parts,
        how: Invalidation,
    ) -> Result<Invalidated, PurgeError> {
        let policy = self.shared.policy(policy).map_err(PurgeFailure::Unknown)?;
        if !policy.policy.purge_by_key {
            return Err(PurgeFailure::NotByKey((*policy.name).into()).into());
        }
        let admitted = admit(&policy.policy, request).map_err(PurgeFailure::Bypass)?;
        let tag = key_tag(&policy.key(request, &admitted));
        let invalidated = self.invalidate(&[tag], how).await;
        Ok(invalidated.map_err(PurgeFailure::Store)?)
    }
}
