use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{ConfigError, DatabaseUrl, Password, RedisUrl, TrustedProxies, parse};
use crate::domain::Today;
use crate::flags::{Feature, Flags, Rollout};
use crate::ops::AdminToken;
use crate::seed::Seed;

/// A car-rental API: fleet, availability and bookings, on an embedded database with a generated fleet.
///
/// Every option can also be set by the environment variable named beside it; a flag wins over the variable.
#[derive(Clone, Debug, Parser)]
#[command(version, max_term_width = 100)]
#[non_exhaustive]
pub struct Config {
    /// What to do in the place of serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where to listen, as address and port; port 0 picks a free one
    #[arg(long, env, default_value_t = Self::default().listen_addr, value_parser = parse::address)]
    pub listen_addr: SocketAddr,

    /// Where to listen for operators, as address and port [default: on this machine, at the port after that of LISTEN_ADDR]
    #[arg(long, env, value_parser = parse::address)]
    pub ops_listen_addr: Option<SocketAddr>,

    /// What operators show to change anything, at least 32 bytes; without it they can only look
    #[arg(long, env, hide_env_values = true)]
    pub admin_token: Option<AdminToken>,

    /// The database: sqlite:// and a path keeps it in that file, postgres:// and a server is shared by several instances.
    /// Without it, a temporary file is made at start and removed at exit
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Option<DatabaseUrl>,

    /// The Redis server in which all instances keep answers and count requests together, as redis://user:password@host:6379/0.
    /// Without it and REDIS_HOST, each instance does so by itself
    #[arg(long, env, hide_env_values = true)]
    pub redis_url: Option<RedisUrl>,

    /// The host of the Redis server, in place of a URL
    #[arg(long, env, conflicts_with = "redis_url")]
    pub redis_host: Option<String>,

    /// The port of the Redis server, beside REDIS_HOST
    #[arg(long, env, default_value_t = Self::default().redis_port)]
    pub redis_port: u16,

    /// The password of the Redis server, beside REDIS_HOST
    #[arg(long, env, hide_env_values = true)]
    pub redis_password: Option<Password>,

    /// Networks of the proxies whose X-Forwarded-For is believed, as CIDRs separated by commas
    #[arg(long, env, default_value_t)]
    pub trusted_proxies: TrustedProxies,

    /// How long the window of the public rate limit is, in milliseconds
    #[arg(
        long = "rate-limit-window-ms",
        env = "RATE_LIMIT_WINDOW_MS",
        value_name = "RATE_LIMIT_WINDOW_MS",
        default_value = "60000",
        value_parser = parse::window
    )]
    pub rate_limit_window: Duration,

    /// How many requests the public rate limit admits from one client in a window
    #[arg(
        long,
        env,
        default_value_t = Self::default().rate_limit_max_requests,
        value_parser = parse::whole::<u32>(1..=1_000_000)
    )]
    pub rate_limit_max_requests: u32,

    /// How many instances count in the same Redis: while it is gone, each admits its share of every limit
    #[arg(
        long,
        env,
        default_value_t = Self::default().rate_limit_instances,
        value_parser = parse::whole::<u32>(1..=1_000)
    )]
    pub rate_limit_instances: u32,

    /// After how many refusals within ten minutes a client is banned; 0 bans nobody
    #[arg(
        long,
        env,
        default_value_t = Self::default().rate_limit_ban_after,
        value_parser = parse::whole::<u32>(0..=1_000_000)
    )]
    pub rate_limit_ban_after: u32,

    /// How long a client is banned for the first time, in seconds; each time within a week of the last twice as long, up to a day
    #[arg(
        long = "rate-limit-ban-seconds",
        env = "RATE_LIMIT_BAN_SECONDS",
        value_name = "RATE_LIMIT_BAN_SECONDS",
        default_value = "300",
        value_parser = parse::ban
    )]
    pub rate_limit_ban: Duration,

    /// Keep answers and serve them again, until an operator says otherwise
    #[arg(
        long,
        env,
        action = ArgAction::Set,
        default_value_t = Self::default().enable_redis_cache,
        value_parser = parse::switch
    )]
    pub enable_redis_cache: bool,

    /// Make an envelope of every failure, until an operator says otherwise
    #[arg(
        long,
        env,
        action = ArgAction::Set,
        default_value_t = Self::default().enable_new_error_handler,
        value_parser = parse::switch
    )]
    pub enable_new_error_handler: bool,

    /// Refuse clients who ask for more than their limits admit, until an operator says otherwise
    #[arg(
        long,
        env,
        action = ArgAction::Set,
        default_value_t = Self::default().enable_rate_limiting,
        value_parser = parse::switch
    )]
    pub enable_rate_limiting: bool,

    /// How many cars to generate into an empty database
    #[arg(long, env, default_value_t = Self::default().cars, value_parser = parse::whole::<u32>(0..=100_000))]
    pub cars: u32,

    /// How many bookings to generate into an empty database, at most 365 for each car
    #[arg(long, env, default_value_t = Self::default().bookings, value_parser = parse::whole::<u32>(0..=5_000_000))]
    pub bookings: u32,

    /// How many customers to generate into an empty database besides the demo users, as a load test needs them;
    /// their keys are demo-customer-000001 and so on
    #[arg(long, env, default_value_t = Self::default().customers, value_parser = parse::whole::<u32>(0..=100_000))]
    pub customers: u32,

    /// The day around which the generated bookings lie, such as 2026-03-01 [default: today]
    #[arg(long, env, value_parser = parse::seed_date)]
    pub seed_date: Option<Date>,

    /// How long requests in flight may take to finish after a signal to stop, in seconds
    #[arg(
        long = "drain-seconds",
        env = "DRAIN_SECONDS",
        value_name = "DRAIN_SECONDS",
        default_value = "10",
        value_parser = parse::drain
    )]
    pub drain: Duration,

    /// How log lines look
    #[arg(long, env, value_enum, default_value_t = Self::default().log_format)]
    pub log_format: LogFormat,

    /// What to log: a level, and levels for modules, such as info,sqlx=debug
    #[arg(
        long,
        env = "RUST_LOG",
        value_name = "RUST_LOG",
        default_value_t = Self::default().log_filter,
        value_parser = parse::log_filter
    )]
    pub log_filter: Targets,

    /// Serve GET /debug/panic, a route that panics on purpose, to see what a client gets then
    #[arg(long, env, value_parser = parse::switch)]
    pub debug_routes: bool,
}

/// What the program can do besides serving.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Asks the server that listens on LISTEN_ADDR whether it is ready; exits with 0 if it is.
    Healthcheck,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people, in colours on a terminal.
    Text,
    /// One JSON object on each line.
    Json,
}

impl Config {
    /// Reads the arguments, the first of which is the program's name, and the environment.
    ///
    /// # Errors
    ///
    /// If a value is wrong, or only the help or the version was asked for.
    pub fn read<I, T>(arguments: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let config = Self::try_parse_from(arguments)?;
        if u64::from(config.bookings)
            > u64::from(config.cars) * u64::from(Seed::MAX_BOOKINGS_PER_CAR)
        {
            return Err(ConfigError::too_many_bookings(config.cars, config.bookings));
        }
        Ok(config)
    }

    /// The Redis server, if there is one.
    #[must_use]
    pub fn redis(&self) -> Option<RedisUrl> {
        let named = || {
            let host = self.redis_host.as_ref()?;
            let password = self.redis_password.as_ref();
            Some(RedisUrl::new(host, self.redis_port, password))
        };
        self.redis_url.clone().or_else(named)
    }

    /// Where to listen for operators beside an API at this address.
    #[must_use]
    pub fn operations_address(&self) -> SocketAddr {
        self.ops_listen_addr.unwrap_or_else(|| {
            // Port 0 stays: it picks a free one for each.
            let port = match self.listen_addr.port() {
                0 => 0,
                port => port.checked_add(1).unwrap_or(port - 1),
            };
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        })
    }

    /// The features that are on, until somebody switches them.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags::new(|feature| {
            let on = match feature {
                Feature::RedisCache => self.enable_redis_cache,
                Feature::NewErrorHandler => self.enable_new_error_handler,
                Feature::RateLimiting => self.enable_rate_limiting,
            };
            if on { Rollout::ON } else { Rollout::OFF }
        })
    }

    /// What the generated fleet follows from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        let date = self.seed_date.unwrap_or_else(|| Today::utc().date());
        Seed::new(date, self.cars, self.bookings).customers(self.customers)
    }
}

/// What applies where nothing is set.
impl Default for Config {
    fn default() -> Self {
        Self {
            command: None,
            listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            ops_listen_addr: None,
            admin_token: None,
            database_url: None,
            redis_url: None,
            redis_host: None,
            redis_port: 6_379,
            redis_password: None,
            trusted_proxies: TrustedProxies::default(),
            rate_limit_window: Duration::from_mins(1),
            rate_limit_max_requests: 60,
            rate_limit_instances: 1,
            // An address can be that of many, and whoever tests a load is refused on purpose.
            rate_limit_ban_after: 0,
            rate_limit_ban: Duration::from_mins(5),
            enable_redis_cache: true,
            enable_new_error_handler: true,
            enable_rate_limiting: true,
            cars: 2_000,
            bookings: 50_000,
            customers: 0,
            seed_date: None,
            drain: Duration::from_secs(10),
            log_format: LogFormat::Text,
            log_filter: Targets::new().with_default(LevelFilter::INFO),
            debug_routes: false,
        }
    }
}
