//! The other side, in a process or a thread of its own.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use hub_proto::ws::Role;
use libtest_mimic::Failed;
use tests::node::{self, Server};

use super::rust;
use super::wire::Wire;

/// How long the other side may take to connect, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// An implementation that is not ours.
#[derive(Clone)]
pub(crate) enum Library {
    Tungstenite,
    Ws,
    /// By the interpreter of an environment that has the package.
    Websockets(PathBuf),
}

impl Library {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Tungstenite => "tungstenite",
            Self::Ws => "ws",
            Self::Websockets(_) => "websockets",
        }
    }

    /// The program that is the peer, unless it is a thread.
    fn command(&self) -> Option<Command> {
        let (program, script) = match self {
            Self::Tungstenite => return None,
            Self::Ws => ("node".into(), "websocket_peer.mjs"),
            Self::Websockets(python) => (python.clone(), "websocket_peer.py"),
        };
        let mut command = Command::new(program);
        command.current_dir(node::folder()).arg(script);
        Some(command)
    }
}

pub(crate) struct Peer {
    library: &'static str,
    seed: u32,
    side: Side,
}

enum Side {
    /// It listens: ended by the drop, as the thread ends with the test.
    Server { address: String, _process: Option<Server> },
    /// It connects again and again, until it is refused.
    Client { accepted: Receiver<TcpStream>, process: Option<Client> },
}

impl Peer {
    /// Starts the other side for our `role`.
    pub(crate) fn start(library: &Library, role: Role, seed: u32) -> Result<Self, Failed> {
        let side = match role {
            Role::Server => client(library, seed)?,
            Role::Client => server(library, seed)?,
        };
        Ok(Self { library: library.name(), seed, side })
    }

    pub(crate) const fn library(&self) -> &'static str {
        self.library
    }

    /// A connection to the other side, new each time.
    pub(crate) fn open(&mut self) -> Result<Wire, Failed> {
        self.seed = self.seed.wrapping_add(1);
        Ok(match &self.side {
            Side::Server { address, .. } => {
                Wire::open(TcpStream::connect(address)?, Role::Client, self.seed)?
            }
            Side::Client { accepted, .. } => {
                let stream = accepted.recv_timeout(PATIENCE).map_err(|_| "nobody connected")?;
                Wire::open(stream, Role::Server, self.seed)?
            }
        })
    }

    /// Sends the other side away, which must have nothing to complain about.
    pub(crate) fn end(self) -> Result<(), Failed> {
        let Side::Client { accepted, process } = self.side else { return Ok(()) };
        Wire::refuse(accepted.recv_timeout(PATIENCE).map_err(|_| "nobody connected")?)?;
        process.map_or(Ok(()), Client::end)
    }
}

/// A process that connects to us. It ends with the drop, whatever it is doing.
struct Client {
    child: Child,
    /// What it says on its error output, when that ends.
    said: Receiver<String>,
}

impl Client {
    fn start(command: &mut Command) -> Result<Self, Failed> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn()?;
        let (sender, said) = mpsc::channel();
        let stderr = child.stderr.take();
        thread::spawn(move || {
            let mut text = String::new();
            stderr.map(|mut stderr| stderr.read_to_string(&mut text));
            sender.send(text)
        });
        Ok(Self { child, said })
    }

    /// Waits for the process to end by itself.
    fn end(mut self) -> Result<(), Failed> {
        let said = self.said.recv_timeout(PATIENCE).map_err(|_| "the other side did not end")?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{status}\n{said}").into()) }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn server(library: &Library, seed: u32) -> Result<Side, Failed> {
    if let Some(mut command) = library.command() {
        let process = Server::start(command.args(["server", &seed.to_string()]))?;
        let address = process.url().trim_start_matches("ws://").to_owned();
        return Ok(Side::Server { address, _process: Some(process) });
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || rust::serve(&listener, seed));
    Ok(Side::Server { address, _process: None })
}

fn client(library: &Library, seed: u32) -> Result<Side, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let accepted = accept(listener);
    let process = match library.command() {
        Some(mut command) => {
            let url = format!("ws://{address}");
            Some(Client::start(command.args(["client", &seed.to_string(), &url]))?)
        }
        None => {
            thread::spawn(move || rust::connect(&address.to_string(), seed));
            None
        }
    };
    Ok(Side::Client { accepted, process })
}

/// Accepts in a thread, so that waiting for a connection can be bounded.
fn accept(listener: TcpListener) -> Receiver<TcpStream> {
    let (sender, accepted) = mpsc::channel();
    thread::spawn(move || {
        let streams = listener.incoming().map_while(io::Result::ok);
        streams.map_while(|stream| sender.send(stream).ok()).for_each(drop);
    });
    accepted
}
