//! A server behind TLS.

use std::fs;
use std::path::Path;
use std::time::Duration;

use exodrive_faults::Certificates;
use exodrive_faults::Fault;
use exodrive_faults::PATIENCE;
use exodrive_faults::Proxy;
use exodrive_faults::Server;
use exodrive_redis::ErrorKind;
use exodrive_redis::Health;
use exodrive_redis::RedisClientBuilder;
use exodrive_redis::Status;

use crate::support::assert_serves;
use crate::support::builder;
use crate::support::until;

fn trusting(url: &str, authorities: &Path) -> RedisClientBuilder {
    builder(url).certificate_authorities(authorities)
}

fn failed_with(text: &str) -> impl Fn(&Health) -> bool {
    move |health| {
        let shown = health.last_error().map(ToString::to_string);
        shown.is_some_and(|shown| shown.contains(text))
    }
}

#[tokio::test]
async fn a_wrong_authority_degrades_until_the_file_is_right() {
    let certificates = Certificates::new();
    let server = Server::behind_tls(&certificates);
    let directory = tempfile::tempdir().unwrap();
    let authorities = directory.path().join("authorities.pem");
    // A certificate like any other, but it vouches for other servers.
    fs::copy(Certificates::new().authority(), &authorities).unwrap();
    let redis = trusting(&server.url(), &authorities).build().unwrap();
    until(&redis, failed_with("not trusted")).await;
    assert!(!redis.health().is_connected());
    assert_eq!(redis.health().connections(), 0);

    fs::remove_file(&authorities).unwrap();
    until(&redis, failed_with("certificate authorities")).await;

    fs::copy(certificates.authority(), &authorities).unwrap();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
    assert!(!format!("{redis:?}").contains("BEGIN"));
}

#[tokio::test]
async fn an_expired_certificate_degrades_until_it_is_renewed() {
    let certificates = Certificates::new();
    let mut server = Server::behind_tls(&certificates);
    let authorities = certificates.authority();
    let redis = trusting(&server.url(), &authorities).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    certificates.expire();
    server.kill();
    server.restart();
    until(&redis, failed_with("not trusted")).await;
    assert_eq!(redis.health().status(), Status::Degraded);

    certificates.renew();
    server.kill();
    server.restart();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up_and_tried_again() {
    let certificates = Certificates::new();
    let server = Server::behind_tls(&certificates);
    let proxy = Proxy::start(server.address()).await;
    proxy.fault(Fault::SwallowReplies);
    let url = server.url_at(&proxy.address());
    let redis = trusting(&url, &certificates.authority())
        .connect_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    let health = until(&redis, |health| health.last_error().is_some()).await;
    let reason = health.last_error().map(exodrive_redis::Error::kind);
    assert_eq!(reason, Some(ErrorKind::Timeout));
    proxy.accepted_more_than(proxy.accepted() + 2).await;
    assert_eq!(redis.health().status(), Status::Degraded);

    proxy.fault(Fault::None);
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn an_authority_of_the_system_is_not_one_of_ours() {
    let server = Server::behind_tls(&Certificates::new());
    let redis = builder(server.url()).build().unwrap();
    until(&redis, failed_with("not trusted")).await;
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_in_plain() {
    let server = Server::start();
    let url = server.url().replace("redis://", "rediss://");
    let authorities = Certificates::new().authority();
    let redis = trusting(&url, &authorities).build().unwrap();
    until(&redis, |health| health.last_error().is_some()).await;
    assert!(!redis.health().is_connected());
}
