use std::time::Duration;

use clap::CommandFactory;
use jiff::civil::date;

use super::*;
use crate::flags::{Feature, Rollout};
use crate::seed::{DEMO_USERS, Seed};

fn read(arguments: &[&str]) -> Result<Config, ConfigError> {
    Config::read(["server"].iter().chain(arguments))
}

fn complaint(arguments: &[&str]) -> String {
    let error = read(arguments).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Wrong);
    error.to_string()
}

#[test]
fn the_command_is_well_formed() {
    Config::command().debug_assert();
}

#[test]
fn text_defaults_agree_with_the_default_values() {
    // Only a variable of the environment could make these differ, and none of these has a common name.
    let (read, default) = (read(&[]).unwrap(), Config::default());
    assert_eq!(read.rate_limit_window, default.rate_limit_window);
    assert_eq!(read.rate_limit_ban, default.rate_limit_ban);
    assert_eq!(read.drain, default.drain);
}

#[test]
fn reads_every_flag() {
    let config = read(&[
        "--listen-addr=[::1]:0",
        "--database-url=sqlite://fleet.db",
        "--trusted-proxies=10.0.0.0/8,192.0.2.1",
        "--rate-limit-window-ms=1000",
        "--rate-limit-max-requests=5",
        "--rate-limit-instances=4",
        "--rate-limit-ban-after=10",
        "--rate-limit-ban-seconds=60",
        "--enable-redis-cache=false",
        "--enable-new-error-handler=off",
        "--enable-rate-limiting=0",
        "--cars=10",
        "--bookings=20",
        "--customers=30",
        "--seed-date=2026-03-01",
        "--drain-seconds=0",
        "--log-format=json",
        "--log-filter=warn,sqlx=debug",
        "--debug-routes",
    ])
    .unwrap();
    assert_eq!(config.listen_addr.to_string(), "[::1]:0");
    assert_eq!(
        config.database_url.as_ref().unwrap().to_string(),
        "sqlite://fleet.db"
    );
    assert_eq!(config.trusted_proxies.iter().len(), 2);
    assert_eq!(config.rate_limit_window, Duration::from_secs(1));
    assert_eq!(config.rate_limit_max_requests, 5);
    assert_eq!(config.rate_limit_instances, 4);
    assert_eq!(config.rate_limit_ban_after, 10);
    assert_eq!(config.rate_limit_ban, Duration::from_mins(1));
    for feature in Feature::ALL {
        assert_eq!(config.flags().rollout(feature), Rollout::OFF);
    }
    assert_eq!(
        config.seed(),
        Seed::new(date(2026, 3, 1), 10, 20).customers(30)
    );
    assert_eq!(config.drain, Duration::ZERO);
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!(config.log_filter.to_string(), "sqlx=debug,warn");
    assert!(config.debug_routes);
}

#[test]
fn reads_what_to_do_in_the_place_of_serving() {
    assert_eq!(read(&[]).unwrap().command, None);
    let config = read(&["healthcheck"]).unwrap();
    assert_eq!(config.command, Some(Command::Healthcheck));
}

#[test]
fn says_in_one_line_what_is_wrong_and_what_to_write() {
    let cases = [
        ("--listen-addr=8080", "127.0.0.1:8080"),
        ("--listen-addr=localhost", "127.0.0.1:8080"),
        ("--database-url=mysql://localhost/fleet", "sqlite://"),
        ("--trusted-proxies=10.0.0.0/8,banana", "10.0.0.0/8,fd00::/8"),
        ("--rate-limit-window-ms=10", "from 1000 to 86400000"),
        ("--rate-limit-window-ms=1m", "from 1000 to 86400000"),
        ("--rate-limit-max-requests=0", "from 1 to 1000000"),
        ("--rate-limit-instances=0", "from 1 to 1000"),
        ("--rate-limit-ban-after=never", "from 0 to 1000000"),
        ("--rate-limit-ban-seconds=0", "from 1 to 86400"),
        ("--cars=-1", "from 0 to 100000"),
        ("--cars=many", "from 0 to 100000"),
        ("--bookings=5000001", "from 0 to 5000000"),
        ("--seed-date=yesterday", "2026-03-01"),
        ("--seed-date=9999-12-31", "2026-03-01"),
        ("--drain-seconds=1h", "from 0 to 3600"),
        ("--log-format=xml", "text, json"),
        ("--log-filter=sqlx=loud", "info,sqlx=debug"),
    ];
    for (argument, help) in cases {
        let line = complaint(&[argument]);
        let flag = argument.split('=').next().unwrap();
        assert!(line.contains(flag), "{line}");
        assert!(line.contains(help), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[test]
fn says_in_one_line_that_an_option_is_unknown() {
    let line = complaint(&["--port=80"]);
    assert!(line.contains("--port"), "{line}");
    assert!(line.contains("--help"), "{line}");
    assert!(!line.contains('\n'), "{line}");
}

#[test]
fn never_repeats_the_url_of_a_database() {
    let line = complaint(&["--database-url=postgres://exodrive:hunter2@localhost:port/fleet"]);
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn operators_are_listened_to_on_this_machine_beside_the_api() {
    let address = |arguments: &[&str]| read(arguments).unwrap().operations_address().to_string();
    assert_eq!(address(&[]), "127.0.0.1:8081");
    assert_eq!(address(&["--listen-addr=0.0.0.0:80"]), "127.0.0.1:81");
    assert_eq!(
        address(&["--listen-addr=127.0.0.1:65535"]),
        "127.0.0.1:65534"
    );
    assert_eq!(address(&["--listen-addr=127.0.0.1:0"]), "127.0.0.1:0");
    assert_eq!(address(&["--ops-listen-addr=[::1]:9"]), "[::1]:9");
}

#[test]
fn there_is_no_admin_token_until_one_is_set_and_no_short_one() {
    assert!(read(&[]).unwrap().admin_token.is_none());
    for token in ["", "hunter2", "a-token-of-only-31-bytes-is-bad"] {
        let line = complaint(&[&format!("--admin-token={token}")]);
        assert!(line.contains("32 bytes"), "{line}");
        assert!(token.is_empty() || !line.contains(token), "{line}");
    }
}

#[test]
fn redis_is_known_by_a_url_or_by_its_address() {
    let redis = |arguments: &[&str]| read(arguments).unwrap().redis();
    assert_eq!(redis(&[]), None);
    let by_host = redis(&["--redis-host=cache.internal", "--redis-password=hunter2"]).unwrap();
    assert_eq!(by_host.expose(), "redis://:hunter2@cache.internal:6379");
    let by_url = redis(&["--redis-url=redis://cache.internal/2"]).unwrap();
    assert_eq!(by_url.to_string(), "redis://cache.internal/2");
    assert!(!complaint(&["--redis-url=http://:hunter2@localhost"]).contains("hunter2"));
}

#[test]
fn refuses_more_bookings_than_the_cars_can_take() {
    assert!(read(&["--cars=2", "--bookings=730"]).is_ok());
    let line = complaint(&["--cars=2", "--bookings=731"]);
    assert!(line.contains("raise --cars"), "{line}");
}

#[test]
fn shows_the_name_of_every_environment_variable() {
    let asked = read(&["--help"]).unwrap_err();
    assert_eq!(asked.kind(), ConfigErrorKind::Asked);
    let help = asked.to_string();
    for name in [
        "LISTEN_ADDR",
        "OPS_LISTEN_ADDR",
        "ADMIN_TOKEN",
        "DATABASE_URL",
        "REDIS_URL",
        "REDIS_HOST",
        "REDIS_PORT",
        "REDIS_PASSWORD",
        "TRUSTED_PROXIES",
        "RATE_LIMIT_WINDOW_MS",
        "RATE_LIMIT_MAX_REQUESTS",
        "ENABLE_REDIS_CACHE",
        "ENABLE_NEW_ERROR_HANDLER",
        "ENABLE_RATE_LIMITING",
        "CARS",
        "BOOKINGS",
        "SEED_DATE",
        "DRAIN_SECONDS",
        "LOG_FORMAT",
        "RUST_LOG",
        "DEBUG_ROUTES",
    ] {
        assert!(help.contains(&format!("[env: {name}")), "{name} in {help}");
    }
}

#[test]
fn the_readme_lists_every_variable_and_every_demo_key() {
    let readme = include_str!("../../README.md");
    let command = Config::command();
    let variables = command.get_arguments().filter_map(clap::Arg::get_env);
    for variable in variables.map(|name| name.to_str().unwrap()) {
        assert!(readme.contains(&format!("| `{variable}` |")), "{variable}");
    }
    for user in DEMO_USERS {
        assert!(
            readme.contains(&format!("| `{}` |", user.key)),
            "{}",
            user.key
        );
    }
}
