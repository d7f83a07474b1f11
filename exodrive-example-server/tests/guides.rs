//! The guides and the files that deploy the server speak of what is there.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use exodrive_example_server::config::Config;
use exodrive_example_server::errors::CATALOGUE;
use exodrive_example_server::seed::DEMO_USERS;
use exodrive_example_server::server;

/// What other programs read.
const OF_OTHERS: [&str; 6] = [
    "GF_SECURITY_ADMIN_PASSWORD",
    "GRAFANA_PASSWORD",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
    "UPDATE_GUIDES",
];

/// The text of a file of this package, or of every file in a folder of it.
fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if path.is_dir() {
        let files = fs::read_dir(path).unwrap();
        let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        return texts.collect::<Vec<_>>().join("\n");
    }
    fs::read_to_string(path).unwrap()
}

/// The variables that the help lists.
fn variables() -> BTreeSet<String> {
    let program = env!("CARGO_BIN_EXE_exodrive-example-server");
    let output = Command::new(program).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let names = help.split("[env: ").skip(1);
    names
        .map(|rest| rest.split(['=', ']']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_variable_that_is_named_is_one_that_the_help_lists() {
    let known = variables();
    let everything = [
        "README.md",
        "docs",
        "deploy/compose.yaml",
        "deploy/Dockerfile",
    ]
    .map(text)
    .join("\n");
    let is_part = |letter: char| letter.is_ascii_uppercase() || letter == '_';
    let named: BTreeSet<&str> = everything
        .split(|letter| !is_part(letter))
        .filter(|word| word.trim_matches('_').contains('_'))
        .filter(|word| CATALOGUE.find(word).is_none() && !OF_OTHERS.contains(word))
        .collect();
    assert!(named.contains("DATABASE_URL"));
    for name in named {
        assert!(known.contains(name), "{name}");
    }
}

#[test]
fn every_variable_that_the_help_lists_is_in_the_readme() {
    let readme = text("README.md");
    for name in variables() {
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[tokio::test]
async fn the_limits_are_those_that_answers_state() {
    let guide = text("docs/rate-limits.md");
    let mut config = Config::default();
    config.listen_addr.set_port(0);
    config.cars = 1;
    config.bookings = 0;
    let running = server::start(config).await.unwrap();
    let address = running.address();
    let key = format!("authorization: Bearer {}\r\n", DEMO_USERS[0].key);
    let requests = [
        "GET /errors HTTP/1.1\r\n".to_owned(),
        format!("POST /api/v1/bookings HTTP/1.1\r\n{key}content-length: 0\r\n"),
    ];
    let mut stated = 0;
    for request in requests {
        let answer = tokio::task::spawn_blocking(move || ask(address, &request));
        let answer = answer.await.unwrap();
        let policies = answer
            .lines()
            .filter_map(|line| line.strip_prefix("ratelimit-policy: "));
        for policy in policies.flat_map(|list| list.split(", ")) {
            let name = policy.split('"').nth(1).unwrap();
            assert!(guide.contains(&format!("| `{name}` |")), "{name}");
            let is_in_the_example = guide.contains(&format!("`{policy}`"));
            assert!(is_in_the_example || name == "authentication", "{policy}");
            stated += 1;
        }
    }
    assert_eq!(stated, 4);
    running.stop().await;
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!("{request}host: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}
