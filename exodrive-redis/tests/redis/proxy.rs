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

/// What happens to what passes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    None,
    /// Replies arrive later.
    Delay(Duration),
    /// Requests never arrive.
    SwallowRequests,
    /// Replies never arrive.
    SwallowReplies,
    /// The first byte of a reply is another.
    Corrupt,
    /// This many bytes of a reply arrive, and then the end of the connection.
    CutAfter(usize),
    /// A reply arrives, or with this probability the connection is reset instead.
    Reset(f64),
}

/// Forwards to a server; ends when dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    fault: Arc<watch::Sender<Fault>>,
    /// Connections accepted so far.
    pub(crate) accepted: watch::Receiver<usize>,
    _task: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fault = Arc::new(watch::Sender::new(Fault::None));
        let (count, accepted) = watch::channel(0);
        let mut task = JoinSet::new();
        task.spawn(accept(listener, server, Arc::clone(&fault), count));
        Self {
            address,
            fault,
            accepted,
            _task: task,
        }
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn accept(
    listener: TcpListener,
    server: String,
    fault: Arc<watch::Sender<Fault>>,
    count: watch::Sender<usize>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        count.send_modify(|count| *count += 1);
        connections.spawn(forward(client, server.clone(), fault.subscribe()));
    }
}

async fn forward(
    mut client: TcpStream,
    server: String,
    fault: watch::Receiver<Fault>,
) -> io::Result<()> {
    // What is forwarded leaves at once, so that only the faults delay it.
    client.set_nodelay(true)?;
    let mut server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    let ended = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        tokio::select! {
            ended = requests(&mut from_client, &mut to_server, &fault) => ended?,
            ended = replies(&mut from_server, &mut to_client, &fault) => ended?,
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
    fault: &watch::Receiver<Fault>,
) -> io::Result<Ended> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from_client.read(&mut buffer).await?;
        let swallowed = matches!(*fault.borrow(), Fault::SwallowRequests);
        match &buffer[..length] {
            [] => return Ok(Ended::Closed),
            _ if swallowed => {}
            piece => to_server.write_all(piece).await?,
        }
    }
}

async fn replies(
    from_server: &mut ReadHalf<'_>,
    to_client: &mut WriteHalf<'_>,
    fault: &watch::Receiver<Fault>,
) -> io::Result<Ended> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from_server.read(&mut buffer).await?;
        let piece = &mut buffer[..length];
        if piece.is_empty() {
            return Ok(Ended::Closed);
        }
        let fault = *fault.borrow();
        match fault {
            Fault::None | Fault::SwallowRequests => {}
            Fault::Delay(delay) => sleep(delay).await,
            Fault::SwallowReplies => continue,
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
