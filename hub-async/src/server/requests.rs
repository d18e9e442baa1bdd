//! What is answered to a request.

use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use hub_core::endpoint::{Answer, Outcome, Request as Asked, Route};
use hyper::body::Incoming;

use super::body::Body;
use super::endpoint::Endpoint;
use super::service::{Answering, Service};
use super::websocket::{self, Purpose};
use super::{events, polls, post, start};
use crate::exchange::Taking;
use crate::facts::RequestFacts;

impl Service {
    /// Finds who answers, and lets them.
    pub(super) fn answer(&self, request: Request<Incoming>) -> Answering {
        let Some((endpoint, route)) = self.find(request.uri().path()) else {
            return match &self.inner.fallback {
                Some(fallback) => {
                    let response = fallback(request);
                    Box::pin(async move { Ok(response.await) })
                }
                None => answered(not_found()),
            };
        };
        self.hub_request(endpoint, route, request)
    }

    fn hub_request(
        &self,
        endpoint: &Arc<Endpoint>,
        route: Route,
        request: Request<Incoming>,
    ) -> Answering {
        let headers = request.headers();
        let accept =
            headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        // Neither HTTP/1.0 nor a tunnel can be upgraded.
        let upgrade = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && websocket::is_upgrade(headers);
        let asked = Asked::classify(route, request.method().as_str(), accept, upgrade);
        let accept_key = match asked {
            Asked::WebSocket => match websocket::accept_key(headers) {
                Ok(key) => Some(key),
                Err(refusal) => return answered(*refusal),
            },
            _ => None,
        };
        let query = request.uri().query().unwrap_or_default();
        let facts = || RequestFacts::new(request.uri().path(), query, headers, self.peer);
        let outcome = endpoint.attach(asked, query);
        let hang_up = self.hang_up.for_this_request();
        match (asked, outcome, accept_key) {
            (_, Outcome::Answer(answer), _) => answered(respond(answer)),
            (Asked::WebSocket, Outcome::Attach(claim), Some(key)) => {
                let purpose = Purpose::start(endpoint, claim, facts());
                answered(websocket::upgrade(endpoint, request, purpose, key, hang_up))
            }
            (Asked::WebSocket, Outcome::Resume(member), Some(key)) => {
                answered(match Purpose::resume(member) {
                    Some(purpose) => websocket::upgrade(endpoint, request, purpose, key, hang_up),
                    None => respond(Answer::already_attached()),
                })
            }
            (Asked::LongPoll, Outcome::Attach(claim), _) => {
                start::requests(endpoint, claim, facts());
                answered(respond(Answer::polled()))
            }
            (Asked::ServerSentEvents, Outcome::Attach(claim), _) => {
                let member = start::requests(endpoint, claim, facts());
                answered(match Taking::new(member, endpoint.clock.clone(), hang_up) {
                    Ok(taking) => events::respond(taking),
                    Err(answer) => respond(answer),
                })
            }
            (_, Outcome::Resume(member), _) => {
                match Taking::new(member, endpoint.clock.clone(), hang_up) {
                    Ok(taking) => {
                        let clock = endpoint.clock.clone();
                        Box::pin(async move { Ok(polls::answer(taking, clock).await) })
                    }
                    Err(answer) => answered(respond(answer)),
                }
            }
            (_, Outcome::Post(token), _) => {
                let (endpoint, body) = (Arc::clone(endpoint), request.into_body());
                Box::pin(async move { Ok(respond(post::receive(endpoint, token, body).await)) })
            }
            (_, Outcome::Delete(member), _) => {
                let deleted = member.exchange().is_some_and(|exchange| exchange.delete());
                member.waker.wake();
                answered(respond(if deleted { Answer::deleted() } else { Answer::gone() }))
            }
            (_, Outcome::Attach(_), _) => answered(not_found()),
        }
    }
}

fn answered(response: Response<Body>) -> Answering {
    Box::pin(std::future::ready(Ok(response)))
}

pub(super) fn status(answer: &Answer) -> StatusCode {
    StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn respond(mut answer: Answer) -> Response<Body> {
    let body = Body::from(std::mem::take(&mut answer.body));
    response(&answer, body)
}

/// The answer with another body.
pub(super) fn response(answer: &Answer, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status(answer);
    if let Some(kind) = answer.content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in answer.headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

fn not_found() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
