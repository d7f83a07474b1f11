//! What may be read by whoever reads the logs.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::Once;
use std::time::Duration;

use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Command;
use exodrive_redis::Script;
use exodrive_redis::Status;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

use crate::support::builder;
use crate::support::connect;
use crate::support::get;
use crate::support::last_code;
use crate::support::until;

/// Everything logged on this thread, where a test's runtime runs all of its tasks.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn capture(&self) -> DefaultGuard {
        listen_everywhere();
        let lines = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What nobody listens to is remembered for the whole process, and tests that run beside this one listen to
/// nothing. With a default that wants everything, no event is taken for unwanted.
fn listen_everywhere() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    });
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn shows_no_secret_anywhere() {
    let server = Server::start();
    let admin = server.admin().await;
    let lines = Lines::default();
    let _guard = lines.capture();
    let user = "ACL SETUSER canaryuser on >canarypw allcommands allkeys";
    admin.order(user).await;
    let builder = builder(server.url_as("canaryuser:canarypw@"));
    let mut shown = format!("{builder:#?}");
    let redis = builder.build().unwrap();
    redis.require(PATIENCE).await.unwrap();

    let secret = Command::new("NONSENSE").arg("canaryarg");
    let refused = redis.query::<()>(&secret).await.unwrap_err();
    let script = Script::new("return redis.error_reply('canaryscript')");
    let invocation = script.keys(["canarykey"]).arg("canaryarg");
    let failed = redis.invoke::<()>(&invocation).await.unwrap_err();
    shown += &format!("{secret:#?} {refused} {refused:#?} {invocation:#?} {failed} {failed:#?}");

    let rotated = "ACL SETUSER canaryuser resetpass >canaryother";
    admin.order(rotated).await;
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    let health = until(&redis, |health| last_code(health) == Some("WRONGPASS")).await;
    let required = redis.require(Duration::ZERO).await.unwrap_err();
    shown += &format!("{redis:#?} {health:#?} {required} {required:#?}");

    assert!(lines.text().contains("Redis is degraded"));
    assert!(!lines.text().contains("canary"), "{}", lines.text());
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn logs_one_line_for_each_transition_and_none_for_a_failed_call() {
    let mut server = Server::start();
    let lines = Lines::default();
    let _guard = lines.capture();
    let redis = connect(&server).await;
    for _ in 0..3 {
        server.kill();
        until(&redis, |health| health.status() == Status::Degraded).await;
        for _ in 0..200 {
            redis.query::<()>(&get("a")).await.unwrap_err();
        }
        server.restart();
        redis.require(PATIENCE).await.unwrap();
    }
    let text = lines.text();
    let ours: Vec<_> = text
        .lines()
        .filter(|line| line.contains("exodrive_redis"))
        .collect();
    assert_eq!(ours.len(), 7, "{text}");
    let expected = ["connected to Redis", "WARN", "connected to Redis again"];
    for (line, expected) in ours.iter().zip(expected) {
        assert!(line.contains(expected), "{line}");
        assert!(line.contains(&server.address()), "{line}");
    }
}
