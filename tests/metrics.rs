//! What the server counts, read as a Prometheus server reads it.

use std::collections::BTreeSet;

use exodrive_faults::Server as Redis;
use exodrive_tests::{ADMINISTRATOR, NORA, Server};
use reqwest::Method;
use serde_json::json;

const DOCUMENTED: &str = include_str!("../exodrive-example-server/docs/metrics.md");

/// The names in the first column of the table, with their kinds.
pub(crate) fn documented() -> BTreeSet<(&'static str, &'static str)> {
    named(|_| true)
}

/// Those in lines that are wanted.
fn named(is_wanted: impl Fn(&str) -> bool) -> BTreeSet<(&'static str, &'static str)> {
    DOCUMENTED
        .lines()
        .filter(|line| is_wanted(line))
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap()))
        .collect()
}

/// The names of what was exposed, with their kinds.
fn exposed(text: &str) -> BTreeSet<(&str, &str)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .filter(|(name, _)| name.starts_with("exodrive_"))
        .collect()
}

async fn metrics(server: &Server) -> String {
    let response = server.get("/metrics").await;
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    response.text().await.unwrap()
}

#[tokio::test]
async fn every_documented_name_is_exposed_and_every_exposed_one_documented() {
    let redis = Redis::start();
    let url = redis.url().parse().unwrap();
    let server = Server::start_with(|config| {
        config.redis_url = Some(url);
        config.rate_limit_max_requests = 1;
    })
    .await;
    // A hit, a refusal by a limit, an envelope, and an invalidation.
    for path in ["/api/v1/fleet", "/api/v1/fleet", "/api/v1/cars/none"] {
        server.get_as(NORA, path).await;
        server.get(path).await;
    }
    let (car, _) = server.free_car().await;
    let change = json!({ "city": "berlin", "licencePlate": "B-EX 1", "pricePerDayCents": 4_000 });
    let path = format!("/api/v1/cars/{car}");
    let changed = server
        .send_as(ADMINISTRATOR, Method::PUT, &path, &change)
        .await;
    assert_eq!(changed.status(), 200, "{}", changed.text().await.unwrap());

    let text = metrics(&server).await;
    let (exposed, documented) = (exposed(&text), documented());
    let always = named(|line| !line.contains("there once it happens"));
    assert_eq!(always.difference(&exposed).next(), None, "{text}");
    assert_eq!(exposed.difference(&documented).next(), None, "{text}");
    for line in [
        r#"exodrive_http_request_seconds_count{method="GET",route="/api/v1/cars/{id}",status="404"}"#,
        r#"exodrive_http_errors_total{route="/api/v1/cars/{id}",code="CAR_NOT_FOUND"}"#,
        r#"exodrive_http_refusals_total{limit="public",outcome="refused"}"#,
        r#"exodrive_cache_requests_total{policy="fleet",outcome="miss"}"#,
        r#"exodrive_feature_rollout_percent{feature="redis-cache"} 100"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn no_client_can_make_a_time_series_of_its_own() {
    let server = Server::start().await;
    for (method, path) in [
        (Method::GET, "/wp-login.php"),
        (Method::GET, "/api/v1/cars/secret-car"),
        (Method::from_bytes(b"BREW").unwrap(), "/api/v1/fleet"),
    ] {
        let request = server.request(method, path);
        let request = request
            .header("x-forwarded-for", "203.0.113.9")
            .header("user-agent", "secret-agent")
            .header("x-trace-id", "secret-trace");
        request.send().await.unwrap();
    }
    let text = metrics(&server).await;
    for made_up in ["wp-login", "secret-", "BREW", "203.0.113.9", "127.0.0.1"] {
        let redis = |line: &&str| line.starts_with("exodrive_redis_");
        let found = text
            .lines()
            .filter(|line| !redis(line))
            .find(|line| line.contains(made_up));
        assert_eq!(found, None);
    }
}
