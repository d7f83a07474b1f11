//! The fills that are under way.

use crate::Cache;
use crate::store::Store;

/// Returns how many fills other requests could join at this moment.
#[must_use]
pub fn fills_under_way<St: Store>(cache: &Cache<St>) -> usize {
    cache.shared.flights.under_way().len()
}

/// Waits until no fill is under way.
///
/// An answer reaches its client before it is in the store, so a test that asks a second time waits here in between, or
/// finds the fill instead of the entry. A handler that hangs is waited for, too.
pub async fn settled<St: Store>(cache: &Cache<St>) {
    loop {
        let under_way = cache.shared.flights.under_way();
        if under_way.is_empty() {
            return;
        }
        for mut stage in under_way {
            // An error says that nobody leads or follows the flight any more.
            while stage.changed().await.is_ok() {}
        }
    }
}
