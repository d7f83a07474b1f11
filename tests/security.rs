//! What clients try in order to be somebody else, to be nobody in particular, or to be in the way.

use exodrive_tests::Server;
use reqwest::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn nobody_gets_another_quota_by_claiming_another_address() {
    let server = Server::start_with(|config| config.rate_limit_max_requests = 6).await;
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.1"),
        ("x-forwarded-for", "127.0.0.1, 203.0.113.2"),
        ("forwarded", "for=203.0.113.3"),
        ("x-real-ip", "203.0.113.4"),
        ("true-client-ip", "203.0.113.5"),
        ("cf-connecting-ip", "203.0.113.6"),
        ("x-client-ip", "203.0.113.7"),
    ] {
        let request = server
            .request(Method::GET, "/api/v1/fleet")
            .header(name, value);
        let answer = request.send().await.unwrap();
        let expected = if value.ends_with(".7") { 429 } else { 200 };
        assert_eq!(answer.status(), expected, "{name}: {value}");
    }
}

#[tokio::test]
async fn nothing_that_the_cache_does_not_know_finds_its_way_into_an_answer() {
    const CANARY: &str = "canary.example";
    let server = Server::start().await;
    let poison = server.request(Method::GET, "/api/v1/fleet?utm_source=canary.example");
    let names = [
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-prefix",
        "x-original-url",
        "x-rewrite-url",
        "x-host",
        "x-http-method-override",
        "origin",
        "referer",
        "user-agent",
        "accept-language",
        "cookie",
        "if-none-match",
        "range",
    ];
    let poison = names
        .iter()
        .fold(poison, |request, name| request.header(*name, CANARY));
    assert_eq!(poison.send().await.unwrap().status(), 200);
    // An answer is kept a moment after it was sent.
    for _ in 0..3 {
        let answer = server.get("/api/v1/fleet").await;
        assert_eq!(answer.status(), 200);
        let headers = format!("{:?}", answer.headers());
        assert!(!headers.contains(CANARY), "{headers}");
        assert!(!answer.text().await.unwrap().contains(CANARY));
    }
}

#[tokio::test]
async fn clients_who_never_finish_their_requests_keep_nobody_waiting() {
    let server = Server::start().await;
    let mut slow = Vec::new();
    for address in [
        server.running.address(),
        server.running.operations_address(),
    ] {
        for _ in 0..200 {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection
                .write_all(b"GET /healthz HTTP/1.1\r\nhost: lo")
                .await
                .unwrap();
            slow.push(connection);
        }
    }
    for _ in 0..20 {
        assert_eq!(server.get("/api/v1/fleet").await.status(), 200);
        let page = server.operations(Method::GET, "/").send().await.unwrap();
        assert_eq!(page.status(), 200);
    }
}
