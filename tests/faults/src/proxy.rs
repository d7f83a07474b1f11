//! A network that misbehaves on demand.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::net::tcp::WriteHalf;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::PATIENCE;

/// What happens to what passes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing: it passes.
    None,
    /// Replies arrive later.
    Delay(Duration),
    /// Nothing passes, until something else is ordered: then all of it does, however late.
    Hold,
    /// Requests never arrive.
    SwallowRequests,
    /// Replies never arrive.
    SwallowReplies,
    /// Nothing passes on the connections that there are, as if the other side had lost its power;
    /// those made from now on are well.
    HalfOpen,
    /// Nothing passes on the connection that was accepted as this one, counted from 1.
    Mute(usize),
    /// The first byte of a reply is another.
    Corrupt,
    /// This many bytes of a reply arrive, and then the end of the connection.
    CutAfter(usize),
    /// A reply arrives, or with this probability the connection is reset instead.
    Reset(f64),
}

/// Forwards to a server; ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    fault: Arc<watch::Sender<Order>>,
    accepted: watch::Receiver<usize>,
    _task: JoinSet<()>,
}

/// A fault, and how many connections had been accepted when it was ordered.
#[derive(Clone, Copy, Debug)]
struct Order {
    fault: Fault,
    accepted: usize,
}

impl Proxy {
    /// Listens, and forwards to the server at an address of host and port.
    pub async fn start(server: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fault = Arc::new(watch::Sender::new(Order {
            fault: Fault::None,
            accepted: 0,
        }));
        let (count, accepted) = watch::channel(0);
        let mut task = JoinSet::new();
        task.spawn(accept(listener, server.into(), Arc::clone(&fault), count));
        Self {
            address,
            fault,
            accepted,
            _task: task,
        }
    }

    /// Returns host and port.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Orders what happens to what passes from now on.
    pub fn fault(&self, fault: Fault) {
        let accepted = *self.accepted.borrow();
        self.fault.send_replace(Order { fault, accepted });
    }

    /// Returns how many connections were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        *self.accepted.borrow()
    }

    /// Waits until more connections than that have been accepted.
    pub async fn accepted_more_than(&self, count: usize) {
        let mut accepted = self.accepted.clone();
        let more = accepted.wait_for(|accepted| *accepted > count);
        timeout(PATIENCE, more).await.unwrap().unwrap();
    }
}

async fn accept(
    listener: TcpListener,
    server: String,
    fault: Arc<watch::Sender<Order>>,
    count: watch::Sender<usize>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        count.send_modify(|count| *count += 1);
        let weather = Weather {
            number: *count.borrow(),
            order: fault.subscribe(),
        };
        connections.spawn(forward(client, server.clone(), weather));
    }
}

/// What happens to one connection.
struct Weather {
    number: usize,
    order: watch::Receiver<Order>,
}

impl Weather {
    fn fault(&self) -> Fault {
        let order = *self.order.borrow();
        match order.fault {
            Fault::HalfOpen if self.number > order.accepted => Fault::None,
            Fault::Mute(number) if self.number != number => Fault::None,
            fault => fault,
        }
    }

    /// Waits for as long as everything is held.
    async fn passes(&self) {
        let mut order = self.order.clone();
        // Without anybody to order anything else, it is held for ever.
        let _ = order
            .wait_for(|order| !matches!(order.fault, Fault::Hold))
            .await;
    }
}

async fn forward(mut client: TcpStream, server: String, weather: Weather) -> io::Result<()> {
    // What is forwarded leaves at once, so that only the faults delay it.
    client.set_nodelay(true)?;
    let mut server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    let ended = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        tokio::select! {
            ended = requests(&mut from_client, &mut to_server, &weather) => ended?,
            ended = replies(&mut from_server, &mut to_client, &weather) => ended?,
        }
    };
    match ended {
        Ended::Closed => Ok(()),
        Ended::Reset => client.set_zero_linger(),
    }
}

/// How a connection ends.
enum Ended {
    Closed,
    Reset,
}

async fn requests(
    from_client: &mut ReadHalf<'_>,
    to_server: &mut WriteHalf<'_>,
    weather: &Weather,
) -> io::Result<Ended> {
    let mut buffer = vec![0; 64 * 1024];
    let mut swallows = false;
    loop {
        let length = from_client.read(&mut buffer).await?;
        weather.passes().await;
        // No connection loses a piece and then carries the next.
        swallows |= matches!(
            weather.fault(),
            Fault::SwallowRequests | Fault::HalfOpen | Fault::Mute(_)
        );
        match &buffer[..length] {
            [] => return Ok(Ended::Closed),
            _ if swallows => {}
            piece => to_server.write_all(piece).await?,
        }
    }
}

async fn replies(
    from_server: &mut ReadHalf<'_>,
    to_client: &mut WriteHalf<'_>,
    weather: &Weather,
) -> io::Result<Ended> {
    let mut buffer = vec![0; 64 * 1024];
    let mut swallows = false;
    loop {
        let length = from_server.read(&mut buffer).await?;
        let piece = &mut buffer[..length];
        if piece.is_empty() {
            return Ok(Ended::Closed);
        }
        if swallows {
            continue;
        }
        weather.passes().await;
        match weather.fault() {
            // What holds came only now, and holds what comes next.
            Fault::None | Fault::SwallowRequests | Fault::Hold => {}
            Fault::Delay(delay) => sleep(delay).await,
            Fault::SwallowReplies | Fault::HalfOpen | Fault::Mute(_) => {
                swallows = true;
                continue;
            }
            Fault::Corrupt => piece[0] = b'?',
            Fault::CutAfter(bytes) => {
                to_client.write_all(&piece[..bytes.min(length)]).await?;
                return Ok(Ended::Closed);
            }
            Fault::Reset(probability) if fastrand::f64() < probability => return Ok(Ended::Reset),
            Fault::Reset(_) => {}
        }
        to_client.write_all(piece).await?;
    }
}
