//! Troubles in a drawn order: each comes once before any comes again.

use std::collections::BTreeMap;
use std::time::Duration;

use exodrive_faults::{Fault, Proxy, Server};
use fastrand::Rng;
use tokio::time::{Instant, sleep};

/// How often which trouble occurred.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<&'static str, u32>);

/// What happens to the server.
const SERVER: [&str; 9] = [
    "crash",
    "disconnect",
    "evict",
    "fill up",
    "flush",
    "forget scripts",
    "lose a key",
    "stall",
    "trim",
];

/// What happens to the network of one instance.
const NETWORK: [&str; 7] = [
    "cut",
    "delay",
    "half-open",
    "hold",
    "reset",
    "swallow replies",
    "swallow requests",
];

impl Troubles {
    pub(super) fn add(&mut self, other: &Self) {
        for (trouble, times) in &other.0 {
            *self.0.entry(trouble).or_default() += times;
        }
    }

    pub(super) fn assert_some_of_each(&self) {
        for trouble in SERVER.iter().chain(&NETWORK) {
            assert!(self.0.contains_key(trouble), "no {trouble} in {self:?}");
        }
    }

    fn count(&mut self, trouble: &'static str) {
        *self.0.entry(trouble).or_default() += 1;
    }
}

/// Makes trouble until `end`, and leaves a server that is well.
pub(super) async fn disturb_server(server: &mut Server, mut random: Rng, end: Instant) -> Troubles {
    let mut troubles = Troubles::default();
    while Instant::now() < end {
        let mut deck = SERVER;
        random.shuffle(&mut deck);
        for trouble in deck {
            pause(&mut random, 100..800).await;
            strike(server, trouble, &mut random).await;
            troubles.count(trouble);
        }
    }
    troubles
}

/// The same for what passes a proxy.
pub(super) async fn disturb_network(proxy: &Proxy, mut random: Rng, end: Instant) -> Troubles {
    let mut troubles = Troubles::default();
    while Instant::now() < end {
        let mut deck = NETWORK;
        random.shuffle(&mut deck);
        for trouble in deck {
            pause(&mut random, 100..1_500).await;
            proxy.fault(fault(trouble, &mut random));
            pause(&mut random, 20..1_000).await;
            proxy.fault(Fault::None);
            troubles.count(trouble);
        }
    }
    troubles
}

pub(crate) async fn pause(random: &mut Rng, milliseconds: std::ops::Range<u64>) {
    sleep(Duration::from_millis(random.u64(milliseconds))).await;
}

/// Makes short trouble of any kind for a server.
pub(crate) async fn any_order(server: &mut Server, random: &mut Rng) {
    let trouble = random.choice(SERVER).unwrap();
    strike(server, trouble, random).await;
}

/// Returns trouble of any kind for a proxy.
pub(crate) fn any_fault(random: &mut Rng) -> Fault {
    let trouble = random.choice(NETWORK).unwrap();
    fault(trouble, random)
}

fn fault(trouble: &str, random: &mut Rng) -> Fault {
    match trouble {
        "cut" => Fault::CutAfter(random.usize(..30)),
        "delay" => Fault::Delay(Duration::from_millis(random.u64(1..200))),
        "half-open" => Fault::HalfOpen,
        "hold" => Fault::Hold,
        "reset" => Fault::Reset(random.f64() / 4.0),
        "swallow replies" => Fault::SwallowReplies,
        "swallow requests" => Fault::SwallowRequests,
        other => panic!("no {other}"),
    }
}

async fn strike(server: &mut Server, trouble: &str, random: &mut Rng) {
    match trouble {
        "crash" => {
            order(server, "SAVE").await;
            // What happens in between is in no snapshot.
            pause(random, 20..80).await;
            server.kill();
            pause(random, 10..300).await;
            server.restart();
        }
        "disconnect" => order(server, "CLIENT KILL TYPE normal SKIPME yes").await,
        "evict" => {
            order(server, "CONFIG SET maxmemory-policy allkeys-random").await;
            order(server, "CONFIG SET maxmemory 1").await;
            pause(random, 5..300).await;
            order(server, "CONFIG SET maxmemory 0").await;
            order(server, "CONFIG SET maxmemory-policy noeviction").await;
        }
        "fill up" => {
            order(server, "CONFIG SET maxmemory 1").await;
            pause(random, 5..600).await;
            order(server, "CONFIG SET maxmemory 0").await;
        }
        "flush" => order(server, "FLUSHALL").await,
        "forget scripts" => {
            order(server, "SCRIPT FLUSH").await;
            order(server, "CLIENT KILL TYPE normal SKIPME yes").await;
        }
        "lose a key" => {
            let lost = match random.u8(..5) {
                0 => "cache:era".to_owned(),
                1 => "cache:j".to_owned(),
                2 => "cache:t:late".to_owned(),
                _ => format!("cache:t:row:{}", random.u8(..8)),
            };
            order(server, &format!("DEL {lost}")).await;
        }
        "stall" => {
            server.stall();
            pause(random, 10..1_500).await;
            server.resume();
        }
        "trim" => {
            let left = random.u8(..3);
            order(server, &format!("XTRIM cache:j MAXLEN {left}")).await;
        }
        other => panic!("no {other}"),
    }
}

async fn order(server: &Server, order: &str) {
    server.admin().await.order(order).await;
}
