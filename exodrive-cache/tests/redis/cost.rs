//! What a hit costs.

use std::time::Duration;

use exodrive_cache::RedisStore;
use exodrive_faults::{Admin, Fault, PATIENCE, Proxy};
use exodrive_redis::RedisClient;
use tokio::time::Instant;

use crate::instance::{Database, Instance};
use crate::support::{start, store};

/// Returns how often the server has executed a command.
async fn calls(admin: &Admin, command: &str) -> u64 {
    let statistics: String = admin.ask("INFO commandstats").await;
    let line = format!("cmdstat_{command}:calls=");
    let calls = statistics.lines().find_map(|text| text.strip_prefix(&line));
    let digits = calls.map(|calls| calls.split(',').next().unwrap());
    digits.map_or(0, |digits| digits.parse().unwrap())
}

#[tokio::test]
async fn a_hit_is_one_read_of_the_entry_and_one_of_each_tag() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let instance = Instance::new(store(&server).await, &database, Duration::ZERO);
    instance.get_hit("7").await;
    let commands = ["hmget", "get", "evalsha", "set", "hset", "xrange"];
    let mut before = Vec::new();
    for command in commands {
        before.push(calls(&admin, command).await);
    }
    for _ in 0..100 {
        assert_eq!(instance.get("7").await.from, "HIT");
    }
    for (command, before) in commands.iter().zip(before) {
        // The policy's name, the tag of the row and the one that the handler adds; a connection that is still being made probes.
        let expected = match *command {
            "hmget" => 100..=100,
            "get" => 300..=300,
            "evalsha" => 0..=2,
            _ => 0..=0,
        };
        let made = calls(&admin, command).await - before;
        assert!(expected.contains(&made), "{made} of {command}");
    }
}

#[tokio::test]
async fn a_hit_is_one_round_trip() {
    const TRIP: Duration = Duration::from_millis(400);
    let server = start();
    let proxy = Proxy::start(server.address()).await;
    let redis = RedisClient::builder(server.url_at(&proxy.address()))
        .deadline(PATIENCE)
        .connect_timeout(PATIENCE)
        .build()
        .unwrap();
    redis.require(PATIENCE).await.unwrap();
    let database = Database::default();
    let instance = Instance::new(RedisStore::new(redis), &database, Duration::ZERO);
    instance.get_hit("7").await;
    proxy.fault(Fault::Delay(TRIP));
    let began = Instant::now();
    assert_eq!(instance.get("7").await.from, "HIT");
    let took = began.elapsed();
    assert!((TRIP..2 * TRIP).contains(&took), "{took:?}");
}
