//! A budget of tokens outside of HTTP: reserved before the work, corrected after it.

use std::error::Error;
use std::time::Duration;

use exodrive_ratelimit::{Limit, MINUTE, MemoryStore, Outcome, RateLimiter, Subject};
use tokio::time::{Instant, sleep};

type Tokens = RateLimiter<MemoryStore>;

/// A job that does not know beforehand how many tokens it takes.
async fn summarize(
    tokens: &Tokens,
    user: &str,
    estimate: u32,
    used: u32,
) -> Result<u32, Box<dyn Error>> {
    let permit = tokens.check(Subject::user(user), estimate).await?;
    permit.settle(used).await?;
    Ok(used)
}

// Time stands still and jumps to whatever is slept for, so that the example does not take a minute.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let tokens = RateLimiter::builder(MemoryStore::default())
        .limit(Limit::sliding_window("tokens", 10_000, MINUTE).by_subject())
        .build()?;

    // What was reserved and not used is there for the next job.
    assert_eq!(summarize(&tokens, "ada", 8_000, 3_000).await?, 3_000);
    assert_eq!(summarize(&tokens, "ada", 7_000, 7_000).await?, 7_000);

    // The budget is used up, and the refusal says for how long.
    let refused = tokens
        .check(Subject::user("ada"), 1_000)
        .await
        .err()
        .ok_or("admitted")?;
    assert_eq!(refused.decision().outcome(), Outcome::Refused);
    let wait = refused.retry_after().ok_or("there is an end to it")?;
    assert!(wait <= MINUTE + MINUTE / 10);

    let before = Instant::now();
    sleep(wait).await;
    assert!(before.elapsed() - wait < Duration::from_millis(2));
    assert!(tokens.check(Subject::user("ada"), 1_000).await.is_ok());

    // A job that could never be paid for is told so.
    let hopeless = tokens
        .check(Subject::user("bob"), 10_001)
        .await
        .err()
        .ok_or("admitted")?;
    assert_eq!(hopeless.retry_after(), None);
    Ok(())
}
