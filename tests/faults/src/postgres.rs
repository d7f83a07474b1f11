//! A PostgreSQL server.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::Mutex;

use tokio::task::spawn_blocking;

/// Starts a server that listens on a socket in a folder of its own, says where, makes a database for each name it is
/// given, and ends with its standard input.
///
/// The last is how it stops when the tests end, however they end.
const START: &str = include_str!("postgres.sh");

/// One server for all tests of the process: to start it takes longer than most tests.
static SERVER: LazyLock<Mutex<Postgres>> = LazyLock::new(|| Mutex::new(Postgres::start()));

/// Makes an empty database on a PostgreSQL server that all tests of the process share, and returns its URL. It goes
/// with the process.
pub async fn postgres_database() -> String {
    spawn_blocking(|| SERVER.lock().unwrap().new_database())
        .await
        .unwrap()
}

struct Postgres {
    folder: String,
    databases: u32,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _process: Child,
}

impl Postgres {
    fn start() -> Self {
        let mut process = Command::new("sh")
            .args(["-c", START])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of the terminal's Ctrl-C, or it could not tidy up.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut server = Self {
            folder: String::new(),
            databases: 0,
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
        };
        server.folder = server.line();
        assert!(
            !server.folder.is_empty(),
            "PostgreSQL does not start; install it with: sudo apt-get install -y postgresql"
        );
        server
    }

    fn new_database(&mut self) -> String {
        let database = format!("test_{}", self.databases);
        self.databases += 1;
        writeln!(self.input, "{database}").unwrap();
        assert_eq!(self.line(), database);
        let folder = self.folder.replace('/', "%2F");
        format!("postgres://postgres@{folder}/{database}")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}
