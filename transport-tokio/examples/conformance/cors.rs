//! Pages of every origin are let in, with their cookies.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, Response, StatusCode};
use hub_async::Body;
use hub_async::server::Rest;
use hyper::body::Incoming;

use crate::answer::status;

/// Answers what browsers ask before they send a request, and says of each answer who may read it.
pub(crate) async fn cors(request: Request<Incoming>, rest: Rest) -> Response<Body> {
    let header = |name| request.headers().get(name).cloned();
    let Some(origin) = header(ORIGIN) else { return rest.run(request).await };
    let asked = [
        (ACCESS_CONTROL_ALLOW_METHODS, header(ACCESS_CONTROL_REQUEST_METHOD)),
        (ACCESS_CONTROL_ALLOW_HEADERS, header(ACCESS_CONTROL_REQUEST_HEADERS)),
    ];
    let mut response = match *request.method() {
        Method::OPTIONS => status(StatusCode::NO_CONTENT),
        _ => rest.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
    for (name, value) in asked {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    response
}
