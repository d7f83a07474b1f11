use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use crate::config::DatabaseUrl;

/// Starts a server that listens on a socket in a folder of its own, says where, and ends with its standard input.
///
/// The last is how it stops when the tests end, however they end.
const START: &str = include_str!("postgres.sh");

/// One server for all tests of the process: to start it takes longer than most tests.
static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// Makes an empty database.
pub(super) async fn new_database() -> DatabaseUrl {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let database = format!("test_{number}");
    let server = tokio::task::spawn_blocking(|| SERVER.options())
        .await
        .unwrap();
    let mut connection = server.clone().database("postgres").connect().await.unwrap();
    let create = format!("CREATE DATABASE {database}");
    connection.execute(AssertSqlSafe(create)).await.unwrap();
    DatabaseUrl::Postgres(Box::new(server.database(&database)))
}

struct Server {
    folder: PathBuf,
    /// Holds the other end of the process's standard input.
    _process: Child,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new("sh")
            .args(["-c", START])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of the terminal's Ctrl-C, or it could not tidy up.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut folder = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut folder).unwrap();
        assert!(
            !folder.is_empty(),
            "PostgreSQL does not start; install it with: sudo apt-get install -y postgresql"
        );
        Self {
            folder: folder.trim_end().into(),
            _process: process,
        }
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.folder)
            .username("postgres")
    }
}
