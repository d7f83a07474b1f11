//! Stores keep their contract, and a store that does not is found out.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod broken;

use exodrive_cache::MemoryStore;
use exodrive_cache::testing::{Unreliable, agrees_with_the_model, keeps_the_contract};

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    keeps_the_contract(&MemoryStore::default()).await;
}

#[tokio::test]
async fn the_memory_store_agrees_with_the_model() {
    for seed in 0..20 {
        agrees_with_the_model(&MemoryStore::default(), seed, 5_000).await;
    }
}

/// With room for a handful of entries it has to forget all the time.
#[tokio::test]
async fn a_memory_store_that_is_always_full_agrees_with_the_model() {
    for seed in 0..20 {
        agrees_with_the_model(&MemoryStore::with_capacity(4 << 10), seed, 5_000).await;
    }
}

#[tokio::test]
async fn an_unreliable_store_without_faults_keeps_the_contract() {
    keeps_the_contract(&Unreliable::new(MemoryStore::default())).await;
}
