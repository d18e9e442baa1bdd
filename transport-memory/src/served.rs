//! A hub that clients of its world can connect to.

use std::future::{Future, pending};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use hub_async::Hub;
use hub_async::server::{Server, Service};
use hub_proto::negotiate::{self, NegotiateResponse};

use crate::client::{Client, ClientOptions, Refused};
use crate::net::CAPACITY;
use crate::pipe::pipe;
use crate::socket::WebSocket;
use crate::world::World;

/// A hub that is served in a [`World`]. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Served {
    pub(crate) world: World,
    service: Service,
    pub(crate) path: String,
}

impl World {
    /// Serves a hub to clients of this world, at `/hub`.
    ///
    /// # Panics
    ///
    /// When the hub cannot be served, such as with an option that is zero.
    #[track_caller]
    pub fn serve(&self, hub: &Hub) -> Served {
        let service = Server::on(self.clone()).hub("/hub", hub.clone()).into_service();
        let service = service.unwrap_or_else(|error| panic!("the hub cannot be served: {error}"));
        Served::at(self, service, "/hub")
    }
}

impl Served {
    /// The hub at `path` of a service on `world`: of one with several hubs, or with options of its own.
    pub fn at(world: &World, service: Service, path: &str) -> Self {
        Self { world: world.clone(), service, path: path.to_owned() }
    }

    /// Connects a client that speaks JSON and pings, as most do; [`client`](Self::client) for another.
    ///
    /// # Panics
    ///
    /// When it is not let in.
    #[track_caller]
    pub fn connect(&self) -> impl Future<Output = Client> + Send + use<> {
        self.client().connect()
    }

    /// A client that is not connected yet, to choose what it is like.
    pub fn client(&self) -> ClientOptions {
        ClientOptions::new(self.clone())
    }

    /// Asks every connection to leave, as a server does that shuts down, and waits for the last one, at most
    /// `patience`. Says whether all have left, and every method has come to its end.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.service.drain(patience).await
    }

    /// What is served.
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// Opens a WebSocket: of a new connection, or of the one with that token.
    pub(crate) fn open(
        &self,
        options: &ClientOptions,
        token: Option<&str>,
    ) -> Result<WebSocket, StatusCode> {
        let mut request = Request::new(());
        *request.uri_mut() = options.uri(token);
        *request.headers_mut() = options.headers.clone();
        let (ours, theirs) = pipe(CAPACITY);
        self.service.serve_socket(&request, Arc::new(theirs), b"")?;
        Ok(WebSocket::over(ours))
    }

    /// Negotiates a connection that can be resumed, over HTTP; its token.
    pub(crate) async fn negotiate(
        &self,
        options: &ClientOptions,
        at: &'static Location<'static>,
    ) -> Result<String, Refused> {
        let url = negotiate::url(&options.uri(None).to_string(), true);
        let mut request = format!(
            "POST {url} HTTP/1.1\r\nhost: memory\r\nconnection: close\r\ncontent-length: 0\r\n"
        )
        .into_bytes();
        for (name, value) in &options.headers {
            request.extend_from_slice(
                &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat(),
            );
        }
        request.extend_from_slice(b"\r\n");
        let (ours, theirs) = pipe(CAPACITY);
        drop(self.world.spawn(self.service.clone().serve_connection(theirs, pending())));
        ours.write_all(&request).await;
        let mut answer = Vec::new();
        while ours.read_some(&mut answer).await {}
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        match status {
            Some(StatusCode::OK) => {}
            Some(status) => return Err(Refused::Status(status)),
            None => panic!("{at}: the negotiation was answered with {answer:?}"),
        }
        match NegotiateResponse::parse(body.as_bytes()) {
            Ok(response) if response.use_stateful_reconnect => {
                Ok(response.token().unwrap_or_default().to_owned())
            }
            Ok(_) => Err(Refused::Stateless),
            Err(error) => panic!("{at}: {error} {body:?}"),
        }
    }
}
