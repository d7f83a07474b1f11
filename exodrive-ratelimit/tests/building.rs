//! What a limiter can be made of, and what it says of what it cannot.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use exodrive_ratelimit::{
    BuildError, ClientIp, HOUR, Limit, MINUTE, MemoryStore, Mistake, Quota, RateLimiter,
    RuleMistake, Subject,
};

fn mistakes(limits: impl IntoIterator<Item = Limit>) -> Vec<Mistake> {
    let built = limits
        .into_iter()
        .fold(
            RateLimiter::builder(MemoryStore::default()),
            |builder, limit| builder.limit(limit),
        )
        .build();
    built.map_or_else(|error| error.mistakes().to_vec(), |_| Vec::new())
}

fn name(name: &str) -> String {
    name.to_owned()
}

#[test]
fn a_limiter_without_limits_is_a_mistake() {
    assert_eq!(mistakes([]), [Mistake::NoLimits]);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let error: BuildError = RateLimiter::builder(MemoryStore::default())
        .client_ip(ClientIp::peer().ipv6_prefix(16))
        .instances(0)
        .limit(Limit::sliding_window("two words", 0, MINUTE).by_ip())
        .limit(Limit::sliding_window("short", 1, Duration::ZERO))
        .limit(Limit::gcra("short", Quota::per_second(0)).by_user())
        .build()
        .unwrap_err();
    assert_eq!(
        error.mistakes(),
        [
            Mistake::Ipv6Prefix(16),
            Mistake::NoInstances,
            Mistake::Name(name("two words")),
            Mistake::Rule {
                name: name("two words"),
                mistake: RuleMistake::Zero
            },
            Mistake::NoSubject(name("short")),
            Mistake::Rule {
                name: name("short"),
                mistake: RuleMistake::Period(Duration::ZERO)
            },
            Mistake::NotIdentified(name("short")),
            Mistake::Rule {
                name: name("short"),
                mistake: RuleMistake::Zero
            },
            Mistake::NameTaken(name("short")),
        ]
    );
    let said = error.to_string();
    assert!(
        error
            .mistakes()
            .iter()
            .all(|mistake| said.contains(&mistake.to_string())),
        "{said}"
    );
}

#[test]
fn names_must_survive_a_header() {
    let long = "x".repeat(65);
    for bad in ["", "a b", "a\"b", "a\\b", "caf\u{e9}", "a\nb", &long] {
        let limit = Limit::sliding_window(bad, 1, MINUTE).by_ip();
        assert_eq!(mistakes([limit]), [Mistake::Name(name(bad))]);
    }
    assert_eq!(
        mistakes([Limit::sliding_window("/v1/cars:search,POST", 1, MINUTE).by_ip()]),
        []
    );
}

#[test]
fn limits_that_ask_who_is_signed_in_need_a_way_to_know() {
    let limit = || Limit::sliding_window("a", 1, MINUTE);
    for asks in [
        limit().by_user(),
        limit().by_user_or_ip(),
        limit().by_ip().unless_authenticated(),
    ] {
        assert_eq!(mistakes([asks]), [Mistake::NotIdentified(name("a"))]);
    }
    for knows in [limit().by_ip(), limit().by(|_| None), limit().by_subject()] {
        assert_eq!(mistakes([knows]), []);
    }
}

// === asking outside of HTTP ===

fn jobs() -> RateLimiter<MemoryStore> {
    let limit = |name: &'static str| Limit::sliding_window(name, 10, HOUR);
    RateLimiter::builder(MemoryStore::default())
        .identify(|_| None)
        .limit(limit("address").by_ip())
        .limit(limit("anonymous").by_user_or_ip().unless_authenticated())
        .limit(limit("user").by_user())
        .limit(limit("either").by_user_or_ip())
        .limit(limit("subject").by_subject().cost(3))
        .limit(limit("request").by(|_| Some(Subject::user("x"))))
        .limit(limit("some").by_ip().on(|_| true))
        .build()
        .unwrap()
}

#[tokio::test]
async fn outside_of_http_the_subject_chooses_the_limits_and_the_caller_the_cost() {
    for (subject, expected) in [
        (Subject::user("ada"), &["user", "either", "subject"][..]),
        (Subject::api_key("key"), &["user", "either", "subject"]),
        (
            Subject::ip([192, 0, 2, 1].into()),
            &["address", "anonymous", "either", "subject"],
        ),
    ] {
        let permit = jobs().check(subject, 2).await.unwrap();
        let decision = permit.decision();
        let limits = decision.limits();
        let names: Vec<_> = limits.iter().map(|limit| limit.name()).collect();
        assert_eq!(names, expected);
        assert!(
            limits
                .iter()
                .all(|limit| limit.cost() == 2 && limit.remaining() == 8)
        );
    }
}

#[tokio::test]
async fn a_permit_settles_every_limit_and_a_dropped_one_keeps_the_charge() {
    let jobs = jobs();
    let ada = || Subject::user("ada");
    drop(jobs.check(ada(), 4).await.unwrap());
    let permit = jobs.check(ada(), 6).await.unwrap();
    assert!(jobs.check(ada(), 1).await.is_err());
    permit.settle(2).await.unwrap();
    let permit = jobs.check(ada(), 4).await.unwrap();
    assert!(
        permit
            .decision()
            .limits()
            .iter()
            .all(|limit| limit.remaining() == 0)
    );
    permit.settle(4).await.unwrap();
    assert!(jobs.check(ada(), 1).await.is_err());
}
