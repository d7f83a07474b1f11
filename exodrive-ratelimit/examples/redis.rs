//! Two instances of a service that share a limit in Redis, and keep it without Redis too.
//!
//! `REDIS_URL` names the server; the default is `redis://127.0.0.1`.

use std::env;
use std::error::Error;
use std::process;
use std::time::Duration;

use exodrive_ratelimit::{HOUR, Limit, RateLimiter, RedisStore, Subject};
use exodrive_redis::RedisClient;

/// One of two instances.
fn instance(redis: RedisClient) -> Result<RateLimiter<RedisStore>, Box<dyn Error>> {
    let limiter = RateLimiter::builder(RedisStore::new(redis))
        .limit(Limit::sliding_window("reports", 4, HOUR).by_user())
        .identify(|request| request.extensions.get::<Subject>().cloned())
        .instances(2)
        .build()?;
    Ok(limiter)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1".to_owned());
    let redis = RedisClient::builder(url).build()?;
    // A service would not wait; here it decides what there is to see.
    let connected = redis.require(Duration::from_millis(500)).await.is_ok();
    let instances = [instance(redis.clone())?, instance(redis)?];

    // Somebody who has not been counted by an earlier run.
    let somebody = Subject::user(format!("example-{}", process::id()));
    let mut admitted = 0;
    for limiter in instances.iter().cycle().take(12) {
        match limiter.check(somebody.clone(), 1).await {
            Ok(permit) => {
                let decided_by = permit.decision().source().as_str();
                assert_eq!(decided_by, if connected { "redis" } else { "fallback" });
                admitted += 1;
            }
            Err(refused) => assert!(refused.retry_after().is_some()),
        }
    }
    // Four by the server, or two by each instance.
    assert_eq!(admitted, 4);
    Ok(())
}
