//! The upgrade of a request to a WebSocket (RFC 6455 §4.2).

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{Either, select};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use hub_core::endpoint::Claim;
use hyper::body::Incoming;
use sha1::{Digest, Sha1};

use super::body::Body;
use super::endpoint::{Endpoint, Ticket};
use super::start::{self, Arrived};
use crate::facts::RequestFacts;
use crate::hang_up::HangUp;
use crate::inbox::NewLink;
use crate::member::Member;
use crate::socket::Socket;

/// Appended to the client's key before it is hashed (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether a request asks for a WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, header::CONNECTION, "upgrade")
        && has_token(headers, header::UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// The value of `Sec-WebSocket-Accept`, or the refusal of a request that is no proper upgrade.
pub(super) fn accept_key(headers: &HeaderMap) -> Result<HeaderValue, Box<Response<Body>>> {
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut refusal = refuse(StatusCode::UPGRADE_REQUIRED);
        refusal.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(refusal);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    if STANDARD.decode(key).map_or(0, |nonce| nonce.len()) != 16 {
        return Err(refuse(StatusCode::BAD_REQUEST));
    }
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    HeaderValue::try_from(STANDARD.encode(digest)).map_err(|_| refuse(StatusCode::BAD_REQUEST))
}

fn refuse(status: StatusCode) -> Box<Response<Body>> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Box::new(response)
}

/// What is to become of the socket of an upgraded connection.
pub(super) enum Purpose {
    /// It carries a new connection.
    Start { member: Arc<Member>, ticket: Ticket, resumable: bool, early: Vec<u8> },
    /// It carries one that is there.
    Resume(Arc<Member>),
}

impl Purpose {
    /// Makes the connection that was claimed.
    pub(super) fn start(endpoint: &Arc<Endpoint>, mut claim: Claim, facts: RequestFacts) -> Self {
        let (resumable, early) = (claim.resumable, mem::take(&mut claim.early));
        let (member, ticket) = endpoint.admit(claim, facts);
        Self::Start { member, ticket, resumable, early }
    }

    /// The connection that is there, if its link may be replaced.
    pub(super) fn resume(member: Arc<Member>) -> Option<Self> {
        let may = member.outlet.lock().is_resumable();
        may.then_some(Self::Resume(member))
    }

    /// Ready when a new connection is to end before it has a socket.
    fn revoked(&self) -> impl Future<Output = ()> + Send + use<> {
        // One that is there sees to itself.
        let new = match self {
            Self::Start { member, .. } => Some(Arc::clone(member)),
            Self::Resume(_) => None,
        };
        poll_fn(move |cx| {
            let Some(member) = &new else { return Poll::Pending };
            member.waker.register(cx.waker());
            if member.inbox.is_waiting() { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    /// Hands the socket over; `read` is what came behind the request.
    pub(super) fn fulfil(self, socket: Arc<dyn Socket>, read: &[u8]) {
        match self {
            Self::Start { member, ticket, resumable, early } => {
                let arrived = Arrived { early: &early, read };
                start::websocket(member, ticket, resumable, socket, arrived);
            }
            Self::Resume(member) => member.offer(NewLink::new(socket, read.to_vec())),
        }
    }
}

/// Answers the upgrade, and hands the socket over once the answer is out.
pub(super) fn upgrade(
    endpoint: &Arc<Endpoint>,
    mut request: Request<Incoming>,
    purpose: Purpose,
    accept: HeaderValue,
    hang_up: HangUp,
) -> Response<Body> {
    let upgraded = hyper::upgrade::on(&mut request);
    let (clock, runtime) = (endpoint.clock.clone(), Arc::clone(&endpoint.runtime));
    let limit = clock.sleep(endpoint.config.handshake_timeout);
    let revoked = purpose.revoked();
    let opener = Arc::clone(&runtime);
    let task = async move {
        // A client that never takes the answer holds its place, and its HTTP connection, no longer than one without
        // a handshake, nor for as long as a server that drains may wait.
        let upgraded = match select(upgraded, select(limit, pin!(revoked))).await {
            Either::Left((Ok(upgraded), _)) => upgraded,
            Either::Left((Err(_), _)) => return,
            Either::Right(_) => return hang_up.fire(),
        };
        match opener.open(upgraded) {
            Ok((socket, read)) => purpose.fulfil(socket, &read),
            Err(_) => tracing::error!("the runtime does not know the IO of an upgraded connection"),
        }
    };
    runtime.spawn(Box::pin(task));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_key_is_answered_as_in_the_rfc() {
        let request = headers(&[
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]);
        assert_eq!(accept_key(&request).expect("an upgrade"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn an_upgrade_needs_version_13_and_a_key_of_16_bytes() {
        let status = |pairs: &[_]| {
            accept_key(&headers(pairs)).map_err(|refusal| refusal.status()).unwrap_err()
        };
        assert_eq!(status(&[]), 426);
        assert_eq!(status(&[("sec-websocket-version", "8")]), 426);
        assert_eq!(status(&[("sec-websocket-version", "13")]), 400);
        assert_eq!(
            status(&[("sec-websocket-version", "13"), ("sec-websocket-key", "c2hvcnQ=")]),
            400
        );
    }

    #[test]
    fn upgrades_are_told_by_tokens_in_any_case() {
        assert!(is_upgrade(&headers(&[
            ("connection", "keep-alive, UPGRADE"),
            ("upgrade", "WebSocket")
        ])));
        assert!(!is_upgrade(&headers(&[("connection", "keep-alive"), ("upgrade", "websocket")])));
        assert!(!is_upgrade(&headers(&[("connection", "upgrade"), ("upgrade", "h2c")])));
    }
}
