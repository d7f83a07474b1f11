//! What a cluster demands: no call touches two slots.

use exodrive_ratelimit::{
    Decision, HOUR, Limit, MINUTE, Outcome, Peer, Quota, RateLimitLayer, RateLimiter, RedisStore,
    Subject,
};
use exodrive_redis::{Command, FromReply, RedisClient, Reply};
use http::{Request, Response};
use std::convert::Infallible;
use std::future::ready;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{PATIENCE, Server, order};

/// Counts an address widely, a tenant narrowly and a user in between.
pub(crate) fn limiter(redis: &RedisClient) -> RateLimiter<RedisStore> {
    let tenant = |request: &http::request::Parts| {
        let tenant = request.headers.get("tenant")?.to_str().ok()?;
        Some(Subject::custom("tenant", tenant))
    };
    RateLimiter::builder(RedisStore::new(redis.clone()).in_cluster())
        .identify(|request| {
            let user = request.headers.get("user")?.to_str().ok()?;
            Some(Subject::user(user))
        })
        .limit(Limit::sliding_window("address", 100, HOUR).by_ip())
        .limit(Limit::gcra("address-rate", Quota::per_hour(100)).by_ip())
        .limit(Limit::sliding_window("user", 20, HOUR).by_user())
        .limit(Limit::gcra("tenant", Quota::per_hour(5)).by(tenant))
        .build()
        .unwrap()
}

pub(crate) async fn send(limiter: &RateLimiter<RedisStore>, user: &str, tenant: &str) -> Decision {
    let serve = |_: Request<()>| ready(Ok::<_, Infallible>(Response::new(())));
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(serve));
    let request = Request::builder()
        .extension(Peer(([192, 0, 2, 1], 4711).into()))
        .header("user", user)
        .header("tenant", tenant);
    let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
    response.extensions().get::<Decision>().unwrap().clone()
}

/// The keys of every call of a script since the log was begun.
async fn keys_of_scripts(redis: &RedisClient) -> Vec<Vec<String>> {
    let log: Vec<Vec<Reply>> = redis
        .query(&Command::new("SLOWLOG").arg("GET").arg(10_000))
        .await
        .unwrap();
    let calls = log.into_iter().filter_map(|mut entry| {
        // What scripts write is among them and no text.
        let words = Vec::<Vec<u8>>::from_reply(entry.swap_remove(3)).unwrap();
        let words: Vec<_> = words
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        let [name, _, count, rest @ ..] = words.as_slice() else {
            return None;
        };
        let count = (*name == "EVALSHA").then(|| count.parse::<usize>().unwrap())?;
        Some(rest[..count].iter().map(|key| key.to_string()).collect())
    });
    calls.collect()
}

fn tag(key: &str) -> &str {
    let (_, rest) = key.split_once('{').unwrap();
    rest.split_once('}').unwrap().0
}

#[tokio::test]
async fn no_call_of_a_script_touches_two_slots() {
    let server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(&redis);
    order::<()>(&redis, "CONFIG SET slowlog-max-len 10000").await;
    order::<()>(&redis, "CONFIG SET slowlog-log-slower-than 0").await;
    for _ in 0..8 {
        send(&limiter, "ada", "t").await;
    }
    let control = limiter.control();
    control.ban(Subject::user("bob"), MINUTE, "").await.unwrap();
    control.reset(Subject::user("ada")).await.unwrap();
    send(&limiter, "ada", "t").await;
    let calls = keys_of_scripts(&redis).await;
    assert!(calls.len() > 20, "{}", calls.len());
    for keys in calls {
        let first = tag(&keys[0]);
        assert!(keys.iter().all(|key| tag(key) == first), "{keys:?}");
    }
}

#[tokio::test]
async fn a_refusal_by_a_later_group_gives_back_what_earlier_ones_took() {
    let server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(&redis);
    // Twenty of the user's are used up by requests of several tenants, the most restrictive first each time.
    for n in 0..20 {
        let decision = send(&limiter, "ada", &format!("t{}", n / 5)).await;
        assert_eq!(decision.outcome(), Outcome::Allowed, "{n}");
    }
    let remaining = |decision: &Decision| {
        let limits = decision.limits().iter();
        limits.map(|limit| limit.remaining()).collect::<Vec<_>>()
    };
    // The tenant has room and is asked first, the user has none, the address is only measured.
    for _ in 0..10 {
        // An instance that has been refused repeats that without asking.
        let refused = send(&self::limiter(&redis), "ada", "t9").await;
        assert_eq!(refused.outcome(), Outcome::Refused);
        let refusing = refused.limits().iter().map(|limit| limit.refuses());
        assert_eq!(refusing.collect::<Vec<_>>(), [false, false, true, false]);
        assert_eq!(remaining(&refused), [80, 80, 0, 5]);
    }
    let settled = async {
        while send(&limiter, "bob", "t9").await.outcome() != Outcome::Allowed {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.unwrap();
    let decision = limiter
        .control()
        .peek(Subject::custom("tenant", "t9"))
        .await
        .unwrap();
    let tenant = decision
        .limits()
        .iter()
        .find(|limit| limit.name() == "tenant");
    assert_eq!(
        tenant.unwrap().remaining(),
        4,
        "of ten refusals nothing stays charged"
    );
}

#[tokio::test]
async fn an_order_is_heard_of_in_a_cluster_too() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis), limiter(&redis));
    send(&other, "ada", "t").await;
    one.control()
        .ban(Subject::user("ada"), MINUTE, "")
        .await
        .unwrap();
    send(&other, "bob", "t").await;
    assert_eq!(send(&other, "ada", "t").await.outcome(), Outcome::Banned);
}
