//! What holds when the store cannot tell.

use exodrive_ratelimit::store::{Charge, Settlement, Source, Verdict};
use exodrive_ratelimit::{
    Decision, Limit, MINUTE, OnStoreError, Outcome, RateLimited, Store, StoreError,
};
use http::StatusCode;

use crate::support::{header, limiter_on, public, request, request_of, send, status};

struct Broken;

impl Store for Broken {
    async fn check(&self, _: &[Charge<'_>]) -> Result<Verdict, StoreError> {
        Err(StoreError::new("no answer"))
    }

    async fn settle(&self, _: Vec<Settlement>) -> Result<(), StoreError> {
        Err(StoreError::new("no answer"))
    }

    async fn reset(&self, _: &[Charge<'_>]) -> Result<(), StoreError> {
        Err(StoreError::new("no answer"))
    }
}

#[tokio::test]
async fn a_limit_that_denies_without_an_answer_says_503() {
    let limiter = limiter_on(Broken, [public(60).on_store_error(OnStoreError::Deny)]);
    let response = send(&limiter, request("/")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(response.headers(), "retry-after"), "1");
    assert_eq!(header(response.headers(), "cache-control"), "no-store");
    let refused: &RateLimited = response.extensions().get().unwrap();
    assert_eq!(refused.decision().outcome(), Outcome::Unavailable);
    assert!(refused.limit().is_none());
}

#[tokio::test]
async fn limits_that_allow_without_an_answer_let_pass_unless_another_denies() {
    let open = || public(60).on_store_error(OnStoreError::Allow);
    let closed = || {
        let limit = Limit::sliding_window("closed", 1, MINUTE).by_user();
        limit.on_store_error(OnStoreError::Deny)
    };
    let watched = closed().by_ip().shadow();
    let limiter = limiter_on(Broken, [open(), closed()]);
    assert_eq!(status(&limiter, request("/")).await, 200);
    assert_eq!(status(&limiter, request_of("ada")).await, 503);
    let limiter = limiter_on(Broken, [open(), watched]);
    assert_eq!(status(&limiter, request("/")).await, 200);
}

#[tokio::test]
async fn a_limit_is_kept_by_this_instance_without_an_answer_and_clients_are_told() {
    let limiter = limiter_on(Broken, [public(2)]);
    let response = send(&limiter, request("/")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(response.headers(), "x-ratelimit-remaining"), "1");
    let decision: &Decision = response.extensions().get().unwrap();
    assert_eq!(decision.source(), Source::FALLBACK);
    assert_eq!(status(&limiter, request("/")).await, 200);
    assert_eq!(status(&limiter, request("/")).await, 429);
}

#[tokio::test]
async fn what_the_response_makes_of_the_cost_is_settled_without_an_answer_too() {
    let failures = public(1).settle(|response| u32::from(!response.status.is_success()));
    let limiter = limiter_on(Broken, [failures]);
    for _ in 0..3 {
        assert_eq!(status(&limiter, request("/")).await, 200);
    }
}
