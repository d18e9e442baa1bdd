//! HTTP requests to a service in memory.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hub_async::server::Service;
use hub_proto::negotiate::NegotiateResponse;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use tokio::sync::oneshot;
use transport_memory::{World, pipe};

use crate::memory::CAPACITY;

/// The body of a request.
pub type Content = UnsyncBoxBody<Bytes, Infallible>;

/// Sends requests to a service, each on a connection of its own.
#[derive(Clone, Debug)]
pub struct Http {
    world: World,
    service: Service,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, which is text here.
    pub body: String,
}

/// An answer whose body is still coming. Dropped, its connection is cut off.
#[derive(Debug)]
pub struct Coming {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    _connection: oneshot::Sender<Infallible>,
}

impl Http {
    /// For that service, in that world.
    pub const fn new(world: World, service: Service) -> Self {
        Self { world, service }
    }

    /// A connection for one request after another.
    pub async fn line(&self) -> Line {
        let (near, far) = pipe(CAPACITY);
        drop(self.world.spawn(self.service.clone().serve_connection(far, pending())));
        let (sender, connection) =
            hyper::client::conn::http1::handshake::<_, Content>(near).await.expect("a connection");
        drop(self.world.spawn(async move { drop(connection.await) }));
        Line(sender)
    }

    /// Sends a request and gives the head of the answer.
    pub async fn start(
        &self,
        request: Request<impl Body<Data = Bytes, Error = Infallible> + Send + 'static>,
    ) -> Coming {
        let (near, far) = pipe(CAPACITY);
        drop(self.world.spawn(self.service.clone().serve_connection(far, pending())));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Content>(near).await.expect("a connection");
        let (kept, dropped) = oneshot::channel();
        drop(self.world.spawn(async move {
            // Until its answer is dropped.
            match select(pin!(connection), dropped).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }));
        let request = request.map(BodyExt::boxed_unsync);
        let answer = sender.send_request(request).await.expect("an answer");
        let (head, body) = answer.into_parts();
        Coming { status: head.status, headers: head.headers, body, _connection: kept }
    }

    /// Sends a request and gives the whole answer.
    pub async fn send(&self, request: Request<Content>) -> Answer {
        self.start(request).await.whole().await
    }

    /// A GET without more to it: a poll.
    pub async fn get(&self, uri: &str) -> Answer {
        self.send(request(Method::GET, uri, "")).await
    }

    /// A POST.
    pub async fn post(&self, uri: &str, body: impl Into<Bytes>) -> Answer {
        self.send(request(Method::POST, uri, body)).await
    }

    /// A DELETE.
    pub async fn delete(&self, uri: &str) -> Answer {
        self.send(request(Method::DELETE, uri, "")).await
    }

    /// A GET that asks for events.
    pub async fn events(&self, uri: &str) -> Coming {
        let mut request = request(Method::GET, uri, "");
        request.headers_mut().insert("accept", http::HeaderValue::from_static("text/event-stream"));
        self.start(request).await
    }

    /// Negotiates at a path, and gives where the connection is.
    pub async fn negotiate(&self, path: &str) -> String {
        let answer = self.post(&format!("{path}/negotiate?negotiateVersion=1"), "").await;
        let response = NegotiateResponse::parse(answer.body.as_bytes()).expect("negotiated");
        format!("{path}?id={}", response.token().expect("a token"))
    }
}

/// A connection that is kept.
#[derive(Debug)]
pub struct Line(SendRequest<Content>);

impl Line {
    /// Sends a request and gives the text of the whole answer; none if the connection was cut off.
    pub async fn send(&mut self, request: Request<Content>) -> Option<String> {
        self.0.ready().await.ok()?;
        let answer = self.0.send_request(request).await.ok()?;
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        Some(String::from_utf8_lossy(&body).into_owned())
    }
}

/// A request.
pub fn request(method: Method, uri: &str, body: impl Into<Bytes>) -> Request<Content> {
    let mut request = Request::new(Full::new(body.into()).boxed_unsync());
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().expect("a URI");
    request.headers_mut().insert("host", http::HeaderValue::from_static("memory"));
    request
}

impl Coming {
    /// The next bytes of the body; none at the end, or when it broke off.
    pub async fn next(&mut self) -> Option<String> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.ok()?.into_data() {
                return Some(String::from_utf8_lossy(&data).into_owned());
            }
        }
        None
    }

    /// The rest of it.
    pub async fn whole(mut self) -> Answer {
        let mut body = String::new();
        while let Some(more) = self.next().await {
            body += &more;
        }
        Answer { status: self.status.as_u16(), headers: self.headers, body }
    }
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
