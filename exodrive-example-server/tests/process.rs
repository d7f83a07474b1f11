//! The program as a newcomer and an operator meet it: what it prints, and how it ends.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_exodrive-example-server");

/// The program with nothing of this process's environment that could configure it.
fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().envs(variables.iter().copied());
    command
}

fn refused(variables: &[(&str, &str)]) -> Output {
    let output = program(variables).output().unwrap();
    assert!(output.stdout.is_empty());
    output
}

/// The one line that a failed start writes.
fn complaint(output: &Output) -> &str {
    let text = str::from_utf8(&output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_wrong_value_is_one_line_that_says_what_to_do() {
    let rows = [
        ("DATABASE_URL", "mysql://localhost/cars", "sqlite://"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/8"),
        ("LISTEN_ADDR", "8080", "127.0.0.1:8080"),
        ("RATE_LIMIT_MAX_REQUESTS", "many", "1000000"),
        ("ADMIN_TOKEN", "short", "32 bytes"),
        ("OPS_LISTEN_ADDR", "8081", "127.0.0.1:8080"),
    ];
    for (name, value, hint) in rows {
        let output = refused(&[(name, value)]);
        assert_eq!(output.status.code(), Some(2), "{name}={value}");
        assert!(complaint(&output).contains(hint), "{}", complaint(&output));
    }
}

#[test]
fn a_taken_port_is_one_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = refused(&[("LISTEN_ADDR", &address)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        complaint(&output).contains(&address),
        "{}",
        complaint(&output)
    );
}

#[test]
fn what_it_prints_can_be_pasted() {
    let mut server = Server::start();
    let mut commands = Vec::new();
    while commands.len() < 3 {
        let line = server.line();
        if line.trim_start().starts_with("curl ") {
            commands.push(line);
        }
    }
    for command in &commands {
        // `-f` makes curl fail on an answer that is an error.
        let command = command.replacen("curl ", "curl -f ", 1);
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        assert!(output.stdout.starts_with(b"{"), "{command}: {output:?}");
    }
    server.stop("TERM");
}

#[test]
fn stops_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start();
        while !server.line().contains("listens on") {}
        server.stop(signal);
    }
}

#[test]
fn tells_whether_a_server_is_ready() {
    let mut server = Server::start();
    let address = loop {
        let line = server.line();
        if let Some((_, address)) = line.split_once("listens on http://") {
            break address.trim().to_owned();
        }
    };
    let check = || {
        let variables = [("LISTEN_ADDR", address.as_str())];
        let output = program(&variables).arg("healthcheck").output().unwrap();
        output.status.code()
    };
    assert_eq!(check(), Some(0));
    server.stop("TERM");
    assert_eq!(check(), Some(1));
}

struct Server {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut process = program(&[
            ("LISTEN_ADDR", "127.0.0.1:0"),
            ("CARS", "20"),
            ("BOOKINGS", "100"),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).unwrap();
        if read == 0 {
            let mut complaint = String::new();
            let stderr = self.process.stderr.as_mut().unwrap();
            stderr.read_to_string(&mut complaint).unwrap();
            panic!("the server ended: {complaint}");
        }
        line
    }

    fn stop(mut self, signal: &str) {
        let pid = self.process.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(kill.unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{signal}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only a test that failed leaves the process running.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
