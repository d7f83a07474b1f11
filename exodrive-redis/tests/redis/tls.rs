//! A server behind TLS.

use std::fs;
use std::path::Path;

use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Health;
use exodrive_redis::RedisClient;
use exodrive_redis::RedisClientBuilder;
use redis::ConnectionAddr;
use redis_test::server::RedisServer;
use redis_test::utils::TlsFilePaths;
use redis_test::utils::build_keys_and_certs_for_tls;
use redis_test::utils::get_random_available_port;
use tempfile::TempDir;

use crate::support::RELAXED;
use crate::support::assert_serves;
use crate::support::builder;
use crate::support::until;

struct TlsServer {
    running: RedisServer,
    files: TlsFilePaths,
    directory: TempDir,
}

impl TlsServer {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = build_keys_and_certs_for_tls(&directory);
        let address = ConnectionAddr::TcpTls {
            host: "127.0.0.1".to_owned(),
            port: get_random_available_port(),
            insecure: false,
            tls_params: None,
        };
        let spawn =
            |server: &mut std::process::Command| server.current_dir(&directory).spawn().unwrap();
        let running = RedisServer::new_with_addr_tls_modules_and_spawner(
            address,
            None,
            Some(files.clone()),
            false,
            None,
            &[],
            spawn,
        );
        Self {
            running,
            files,
            directory,
        }
    }

    fn builder(&self, authorities: &Path) -> RedisClientBuilder {
        let (host, port) = self.running.host_and_port().unwrap();
        trusting(&format!("{host}:{port}"), authorities)
    }
}

fn trusting(address: &str, authorities: &Path) -> RedisClientBuilder {
    builder(format!("rediss://{address}")).certificate_authorities(authorities)
}

fn failed_with(text: &str) -> impl Fn(&Health) -> bool {
    move |health| {
        let shown = health.last_error().map(ToString::to_string);
        shown.is_some_and(|shown| shown.contains(text))
    }
}

#[tokio::test]
async fn a_wrong_authority_degrades_until_the_file_is_right() {
    let server = TlsServer::start();
    let authorities = server.directory.path().join("authorities.pem");
    // The certificate of the server is a valid one, but vouches for nobody else.
    fs::copy(&server.files.redis_crt, &authorities).unwrap();
    let redis = server.builder(&authorities).build().unwrap();
    until(&redis, failed_with("not trusted")).await;
    assert!(!redis.health().is_connected());
    assert_eq!(redis.health().connections(), 0);

    fs::remove_file(&authorities).unwrap();
    until(&redis, failed_with("certificate authorities")).await;

    fs::copy(&server.files.ca_crt, &authorities).unwrap();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
    assert!(!format!("{redis:?}").contains("BEGIN"));
}

#[tokio::test]
async fn an_authority_of_the_system_is_not_one_of_ours() {
    let server = TlsServer::start();
    let (host, port) = server.running.host_and_port().unwrap();
    let builder = RedisClient::builder(format!("rediss://{host}:{port}"));
    let redis = builder.connect_timeout(RELAXED).build().unwrap();
    until(&redis, failed_with("not trusted")).await;
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_in_plain() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let files = build_keys_and_certs_for_tls(&directory);
    let redis = trusting(&server.address(), &files.ca_crt).build().unwrap();
    until(&redis, |health| health.last_error().is_some()).await;
    assert!(!redis.health().is_connected());
}
