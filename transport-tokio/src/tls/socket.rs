//! A TLS connection that is read and written through `&self`.

use std::fmt;
use std::io;
use std::io::{BufRead, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hub_async::Socket;
use rustls::ServerConnection;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::socket::TokioSocket;

/// How long encrypted bytes may make no progress.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server's end of a TLS connection over TCP.
///
/// What a write has taken is encrypted, and may not have left as a whole when it returns. A task sees to
/// the rest; until that is done, nothing more is taken.
pub struct TlsSocket {
    shared: Arc<Shared>,
    runtime: Handle,
}

struct Shared {
    tcp: TokioSocket<TcpStream>,
    /// Nothing runs under it but TLS itself and the reads and writes of the TCP stream, which do not wait.
    tls: Mutex<Tls>,
}

struct Tls {
    connection: ServerConnection,
    /// Nothing more is to be written.
    ended: bool,
    /// A task sends what is left.
    sending: bool,
}

impl TlsSocket {
    /// Must be called on tokio, where it will be used.
    pub(super) fn new(stream: TcpStream, connection: ServerConnection) -> Self {
        let tls = Mutex::new(Tls { connection, ended: false, sending: false });
        let shared = Arc::new(Shared { tcp: TokioSocket(stream), tls });
        Self { shared, runtime: Handle::current() }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.shared.lock().connection.is_handshaking()
    }

    /// Ready once everything that was taken has left.
    pub(super) fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.shared.lock().send(&self.shared.tcp) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            ready!(self.shared.tcp.poll_writable(cx))?;
        }
    }

    /// Takes what TCP has, and answers what is a matter of TLS.
    fn receive(&self) -> io::Result<()> {
        let mut tls = self.shared.lock();
        let received = tls.receive(&self.shared.tcp);
        let sent = self.send(tls);
        // What is wrong says more than that it could not be answered.
        received.and(sent)
    }

    /// Sends what TLS has to send; what does not leave at once is left to a task.
    fn send(&self, mut tls: MutexGuard<'_, Tls>) -> io::Result<()> {
        match tls.send(&self.shared.tcp) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if !std::mem::replace(&mut tls.sending, true) {
                    drop(tls);
                    self.runtime.spawn(Arc::clone(&self.shared).send_rest());
                }
                Ok(())
            }
            result => result,
        }
    }
}

impl Socket for TlsSocket {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.shared.lock().has_news() {
                return Poll::Ready(Ok(()));
            }
            // Tokio lets others run now and then: a peer may send a lot in which there is nothing to read.
            ready!(self.shared.tcp.poll_readable(cx))?;
            match self.receive() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => result?,
            }
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flushed(cx))?;
        self.shared.tcp.poll_writable(cx)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.shared.lock().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result,
        }
        self.receive()?;
        self.shared.lock().read(buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut tls = self.shared.lock();
        if tls.ended {
            return Err(ErrorKind::BrokenPipe.into());
        }
        tls.send(&self.shared.tcp)?;
        let count = tls.connection.writer().write_vectored(slices)?;
        self.send(tls)?;
        Ok(count)
    }

    fn shutdown(&self) {
        let mut tls = self.shared.lock();
        if !std::mem::replace(&mut tls.ended, true) {
            tls.connection.send_close_notify();
            // A peer that is gone already needs no end.
            self.send(tls).ok();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Tls> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what is left. A peer that takes none of it for too long is dropped.
    async fn send_rest(self: Arc<Self>) {
        while let Ok(Ok(())) = timeout(PATIENCE, self.tcp.0.writable()).await {
            let mut tls = self.lock();
            match tls.send(&self.tcp) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                _ => {
                    tls.sending = false;
                    return;
                }
            }
        }
        SockRef::from(&self.tcp.0).shutdown(Shutdown::Both).ok();
    }
}

impl Tls {
    /// Whether a read brings something, or the end, without more from the peer.
    fn has_news(&mut self) -> bool {
        let next = self.connection.reader().fill_buf().map(drop);
        next.map_or_else(|error| error.kind() != ErrorKind::WouldBlock, |()| true)
    }

    /// Reads what is decrypted. An end that TLS was not told of is one all the same: what is carried knows
    /// when it is whole.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
            result => result,
        }
    }

    /// Takes what TCP has, and decrypts it.
    fn receive(&mut self, tcp: &TokioSocket<TcpStream>) -> io::Result<()> {
        self.connection.read_tls(&mut Tcp(tcp))?;
        let state = self.connection.process_new_packets();
        state.map(drop).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    /// Sends what is encrypted; behind the last of it, the end.
    fn send(&mut self, tcp: &TokioSocket<TcpStream>) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut Tcp(tcp))?;
        }
        if self.ended {
            tcp.shutdown();
        }
        Ok(())
    }
}

/// The TCP stream as TLS wants it.
struct Tcp<'a>(&'a TokioSocket<TcpStream>);

impl Read for Tcp<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Tcp<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TlsSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsSocket").field(&self.shared.tcp).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
    use tokio::net::TcpListener;
    use tokio::task::{JoinHandle, spawn_blocking};

    use super::*;

    type Client = StreamOwned<ClientConnection, std::net::TcpStream>;

    /// A socket, and what a client makes of the other end once it has said hello.
    async fn pair<T: Send + 'static>(
        run: impl FnOnce(Client) -> T + Send + 'static,
    ) -> (TlsSocket, JoinHandle<T>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder().with_no_client_auth();
        let server = server.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = spawn_blocking(move || {
            let name = ServerName::try_from("localhost").unwrap();
            let connection = ClientConnection::new(Arc::new(client), name).unwrap();
            let tcp = std::net::TcpStream::connect(address).unwrap();
            tcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut tls = StreamOwned::new(connection, tcp);
            tls.write_all(b"hello").unwrap();
            run(tls)
        });
        let stream = listener.accept().await.unwrap().0;
        let socket = TlsSocket::new(stream, ServerConnection::new(Arc::new(server)).unwrap());
        poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
        assert_eq!(socket.try_read(&mut [0; 5]).unwrap(), 5);
        (socket, client)
    }

    /// Writes until nothing more is taken: how many bytes were.
    fn fill(socket: &TlsSocket) -> usize {
        let mut all = 0;
        loop {
            match socket.try_write(&[IoSlice::new(&[1; 50_000]), IoSlice::new(&[2; 50_000])]) {
                Ok(count) => all += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return all,
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[tokio::test]
    async fn what_was_taken_leaves_though_nobody_touches_the_socket_again() {
        let (told, tell) = std::sync::mpsc::channel();
        let (socket, client) = pair(move |mut tls| {
            let all: usize = tell.recv().unwrap();
            tls.read_exact(&mut vec![0; all])
        })
        .await;
        told.send(fill(&socket)).unwrap();
        client.await.unwrap().expect("all of it");
        drop(socket);
    }

    #[tokio::test]
    async fn what_was_taken_leaves_before_the_end_of_a_socket_that_is_shut_down() {
        let (told, tell) = std::sync::mpsc::channel();
        let (socket, client) = pair(move |mut tls| {
            tell.recv().unwrap();
            let mut all = Vec::new();
            tls.read_to_end(&mut all)
        })
        .await;
        let taken = fill(&socket);
        socket.shutdown();
        drop(socket);
        told.send(()).unwrap();
        assert_eq!(client.await.unwrap().expect("a proper end"), taken);
    }

    #[tokio::test]
    async fn what_is_decrypted_is_readable_until_it_is_read() {
        let (socket, client) = pair(|mut tls| {
            tls.write_all(&[7; 1_000]).unwrap();
            tls
        })
        .await;
        let client = client.await.unwrap();
        poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
        for _ in 0..10 {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(socket.poll_readable(&mut cx).is_ready());
            assert_eq!(socket.try_read(&mut [0; 100]).unwrap(), 100);
        }
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(socket.poll_readable(&mut cx).is_pending());
        let nothing = socket.try_read(&mut [0; 100]).map_err(|error| error.kind());
        assert_eq!(nothing, Err(ErrorKind::WouldBlock));
        client.sock.shutdown(Shutdown::Write).unwrap();
        poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
        assert_eq!(socket.try_read(&mut [0; 100]).unwrap(), 0);
        assert_eq!(socket.try_read(&mut [0; 100]).unwrap(), 0, "the end stays");
    }
}
