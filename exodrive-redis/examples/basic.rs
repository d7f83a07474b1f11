//! A counter of visits that a page shows if Redis has it in time, and does without otherwise.
//!
//! `REDIS_URL` names the server; the default is `redis://127.0.0.1`.
//!
//! ```sh
//! cargo run -p exodrive-redis --example basic
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::env;
use std::error::Error;
use std::process;
use std::sync::LazyLock;
use std::time::Duration;

use exodrive_redis::{ErrorKind, RedisClient, Script};

/// KEYS[1] counter; ARGV[1] lifetime in milliseconds. Returns the new count.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local count = redis.call('INCR', KEYS[1])
         if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
         return count",
    )
});

/// The page, whatever becomes of the counter.
async fn page(redis: &RedisClient, visitor: u32) -> String {
    let key = format!("example:visits:{visitor}");
    match redis.invoke::<i64>(&COUNT.keys([key]).arg(60_000)).await {
        Ok(visits) => format!("Welcome. This is visit {visits}."),
        Err(error) => {
            let expected = [ErrorKind::Unavailable, ErrorKind::Timeout];
            assert!(expected.contains(&error.kind()), "{error}");
            "Welcome.".to_owned()
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1".to_owned());
    let redis = RedisClient::builder(url).build()?;
    // A service would not wait; here it decides what there is to see.
    let connected = redis.require(Duration::from_millis(500)).await.is_ok();

    let visitor = process::id();
    for visit in 1..=2 {
        let page = page(&redis, visitor).await;
        println!("{page}");
        assert_eq!(page.contains(&format!("visit {visit}")), connected);
    }
    println!("{:?}", redis.health());
    Ok(())
}
