//! The fills that are under way.

use crate::Cache;
use crate::store::Store;

/// Returns how many fills other requests could join at this moment.
#[must_use]
pub fn fills_under_way<St: Store>(cache: &Cache<St>) -> usize {
    cache.shared.fills_under_way()
}

/// Waits until no fill is under way.
///
/// An answer reaches its client before it is in the store, so a test that asks a second time waits here in between, or
/// finds the fill instead of the entry. A handler that hangs is waited for, too.
pub async fn settled<St: Store>(cache: &Cache<St>) {
    loop {
        if fills_under_way(cache) == 0 {
            return;
        }
        cache.shared.fills_ended().await;
    }
}
