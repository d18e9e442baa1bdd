//! Negotiations that lead elsewhere, fail, or bring cookies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{HeaderValue, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use hub_async::Body;
use hub_async::server::Rest;
use hub_core::endpoint::query_value;
use hyper::body::Incoming;

use crate::answer::{behind, status, text, typed};

/// What is special about some paths.
#[derive(Clone)]
pub(crate) struct Detours {
    redirects: Arc<AtomicU64>,
}

impl Detours {
    pub(crate) fn new() -> Self {
        Self { redirects: Arc::default() }
    }

    pub(crate) async fn around(
        self,
        request: Request<Incoming>,
        rest: Rest,
        secure: bool,
    ) -> Response<Body> {
        let path = request.uri().path();
        let negotiates = path.to_ascii_lowercase().contains("/negotiate");
        let mut response = if let Some(rest) = behind(path, "/echoredirect") {
            moved(&format!("/echo{rest}"), request.uri().query())
        } else if behind(path, "/redirect").is_some() {
            self.redirect(request.uri().query().unwrap_or_default())
        } else if behind(path, "/bad-negotiate").is_some() {
            text(StatusCode::BAD_REQUEST, "Some response from server")
        } else {
            rest.run(request).await
        };
        if negotiates {
            add_cookies(&mut response, secure);
        }
        response
    }

    /// Sends a client on to the hub, each to another address of it.
    fn redirect(&self, query: &str) -> Response<Body> {
        let base = query_value(query, "baseUrl").unwrap_or_default();
        let count = self.redirects.fetch_add(1, Ordering::Relaxed) + 1;
        let url = format!("{base}/testHub?numRedirects={count}");
        let answer = serde_json::json!({ "url": url });
        typed(StatusCode::OK, "application/json", answer.to_string())
    }
}

/// The same request is to be sent again, elsewhere.
fn moved(path: &str, query: Option<&str>) -> Response<Body> {
    let mut response = status(StatusCode::TEMPORARY_REDIRECT);
    let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    match HeaderValue::try_from(target) {
        Ok(target) => drop(response.headers_mut().insert(LOCATION, target)),
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}

/// Over TLS, pages of other origins get them as well.
fn add_cookies(response: &mut Response<Body>, secure: bool) {
    let cookies = match secure {
        false => [
            "testCookie=testValue; Path=/",
            "testCookie2=testValue2; Path=/",
            "expiredCookie=doesntmatter; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ],
        true => [
            "testCookie=testValue; Path=/; SameSite=None; Secure",
            "testCookie2=testValue2; Path=/; SameSite=None; Secure",
            "expiredCookie=doesntmatter; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=None; Secure",
        ],
    };
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
}
