//! Answers, and how paths are compared.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use hub_async::Body;

pub(crate) fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

pub(crate) fn text(code: StatusCode, body: impl Into<Body>) -> Response<Body> {
    typed(code, "text/plain; charset=utf-8", body)
}

pub(crate) fn typed(code: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// What is behind a beginning, which is matched without regard to case and ends where a segment does.
pub(crate) fn behind<'a>(path: &'a str, start: &str) -> Option<&'a str> {
    let same = path.get(..start.len())?.eq_ignore_ascii_case(start);
    let rest = path.get(start.len()..)?;
    (same && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}
