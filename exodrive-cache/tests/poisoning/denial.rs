//! Requests that a handler refuses, so that others might be given the refusal (Nguyen, Lo Iacono, Federrath: "Your Cache Has
//! Fallen", 2019).

use super::connection::{Server, get};

#[tokio::test]
async fn a_request_that_is_refused_denies_nothing_to_others() {
    let server = Server::start().await;
    let oversize = format!("x-oversize: {}\r\n", "a".repeat(8 << 10));
    let keyed_oversize = format!("accept-language: {}\r\n", "a".repeat(8 << 10));
    let many = (0..90).fold(String::new(), |lines, n| format!("{lines}x-{n}: a\r\n"));
    let attacks = [
        ("an oversize header", oversize.as_str()),
        ("an oversize header that is keyed", keyed_oversize.as_str()),
        ("many headers", many.as_str()),
        ("a control character", "x-meta: \u{7}\r\n"),
        ("a NUL", "x-meta: a\0b\r\n"),
        ("a bare carriage return", "x-meta: a\rb\r\n"),
        ("a header name with a space", "x meta: a\r\n"),
        ("a folded line", "x-meta: a\r\n b\r\n"),
        ("a method override", "x-http-method-override: POST\r\n"),
        ("another method override", "x-method-override: DELETE\r\n"),
        ("a range out of reach", "range: bytes=999999-\r\n"),
        ("an unknown expectation", "expect: a-miracle\r\n"),
        ("a precondition that fails", "if-match: \"none\"\r\n"),
        ("a content encoding", "content-encoding: br\r\n"),
        (
            "an upgrade",
            "connection: upgrade\r\nupgrade: websocket\r\n",
        ),
    ];
    for (n, (name, lines)) in attacks.iter().enumerate() {
        let path = format!("/cars/{n}");
        server.send(&get(&path, lines)).await;
        let clean = server.get(&path).await;
        assert_eq!(clean.status, 200, "{name}: {clean:?}");
        let again = server.get(&path).await;
        assert_eq!((again.status, again.state()), (200, "HIT"), "{name}");
    }
}

#[tokio::test]
async fn other_methods_neither_fill_nor_use_what_is_stored() {
    let server = Server::start().await;
    for (n, method) in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE", "BAN", "get",
    ]
    .iter()
    .enumerate()
    {
        let path = format!("/cars/{n}");
        let request = get(&path, "").replacen("GET", method, 1);
        for expected in ["MISS", "HIT"] {
            assert_eq!(server.send(&request).await.state(), "BYPASS", "{method}");
            assert_eq!(server.get(&path).await.state(), expected, "{method}");
        }
    }
}
