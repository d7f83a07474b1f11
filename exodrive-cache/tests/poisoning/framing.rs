//! Requests whose end, target or host can be read in two ways.

use super::connection::{Server, get};

/// The body looks like a request; if the cache answered without reading it, it would be taken for one.
#[tokio::test]
async fn a_body_on_a_get_is_not_taken_for_the_next_request() {
    let server = Server::start().await;
    assert_eq!(server.get("/cars/1").await.state(), "MISS");
    assert_eq!(server.get("/cars/1").await.state(), "HIT");
    let smuggled = get("/cars/666", "");
    let length = smuggled.len();
    for (lines, body) in [
        (format!("content-length: {length}\r\n"), smuggled.clone()),
        (
            "transfer-encoding: chunked\r\n".to_owned(),
            format!("{length:x}\r\n{smuggled}\r\n0\r\n\r\n"),
        ),
    ] {
        let mut connection = server.connect().await;
        let fat = connection
            .send(&format!("{}{body}", get("/cars/1", &lines)))
            .await;
        assert_eq!((fat.status, fat.state()), (200, "BYPASS"));
        let next = connection.send(&get("/cars/2", "")).await;
        assert!(next.body.starts_with("GET /cars/2 "), "{next:?}");
        let hit = connection.send(&get("/cars/1", "")).await;
        assert_eq!(hit.state(), "HIT");
        assert!(!hit.contains("666"), "{hit:?}");
    }
    assert_eq!(server.get("/cars/666").await.state(), "MISS");
}

#[tokio::test]
async fn several_requests_at_once_are_answered_one_by_one() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let requests: String = (1..=3).map(|n| get(&format!("/cars/{n}"), "")).collect();
    let first = connection.send(&requests).await;
    assert!(first.body.starts_with("GET /cars/1 "), "{first:?}");
    for n in 2..=3 {
        let next = connection.receive().await;
        assert!(
            next.body.starts_with(&format!("GET /cars/{n} ")),
            "{next:?}"
        );
    }
}

/// RFC 9112, section 3.2.2: the target's authority wins over `Host`, and handlers look at either.
#[tokio::test]
async fn a_target_and_a_host_that_disagree_share_nothing() {
    let server = Server::start().await;
    let attacks = [
        "GET http://evil.example/cars/1 HTTP/1.1\r\nhost: cars.example\r\n\r\n",
        "GET http://cars.example/cars/1 HTTP/1.1\r\nhost: evil.example\r\n\r\n",
        "GET http://cars.example@evil.example/cars/1 HTTP/1.1\r\nhost: cars.example\r\n\r\n",
        "GET http://cars.example:81/cars/1 HTTP/1.1\r\nhost: cars.example\r\n\r\n",
        "GET /cars/1 HTTP/1.1\r\nhost: cars.example\r\nhost: evil.example\r\n\r\n",
        "GET /cars/1 HTTP/1.1\r\nhost: evil.example\r\nhost: cars.example\r\n\r\n",
    ];
    for attack in attacks {
        let answer = server.send(attack).await;
        assert!(
            answer.status == 400 || answer.state() == "BYPASS",
            "{attack:?}: {answer:?}"
        );
    }
    let clean = server.get("/cars/1").await;
    assert_eq!(clean.state(), "MISS");
    assert!(!clean.contains("evil"), "{clean:?}");
}

#[tokio::test]
async fn hosts_and_targets_that_differ_have_answers_of_their_own() {
    let server = Server::start().await;
    let honest = server.get("/cars/1").await;
    for (target, host) in [
        ("/cars/1", "evil.example"),
        ("/cars/1", "cars.example:80"),
        ("/cars/1", "cars.example."),
        ("/cars/1", ""),
        ("/cars/%31", "cars.example"),
        ("/cars/1%2f..%2f1", "cars.example"),
        ("/cars/1;a=b", "cars.example"),
        ("/cars/1%00", "cars.example"),
        ("/cars/1%0d%0ax:y", "cars.example"),
        ("/cars/1.css", "cars.example"),
        ("http://evil.example/cars/1", "evil.example"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let other = server.send(&request).await;
        assert_ne!(other.state(), "HIT", "{target} {host:?}");
    }
    let again = server.get("/cars/1").await;
    assert_eq!((again.state(), &*again.body), ("HIT", &*honest.body));
}
