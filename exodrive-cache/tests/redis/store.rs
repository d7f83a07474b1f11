//! One instance, or several that do nothing at the same time.

use exodrive_cache::testing::{agrees_with_the_model, keeps_the_contract};

use crate::support::{start, store};

#[tokio::test]
async fn keeps_the_contract_of_stores() {
    let server = start();
    keeps_the_contract(&store(&server).await).await;
}

#[tokio::test]
async fn agrees_with_the_model_of_stores() {
    let server = start();
    for seed in 0..3 {
        agrees_with_the_model(&store(&server).await, seed, 300).await;
    }
}
