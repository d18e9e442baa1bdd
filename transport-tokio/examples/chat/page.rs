//! The files of the page, and the published JavaScript client.

use std::path::PathBuf;
use std::process::Command;
use std::{fs, io};

use hub_async::Body;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode, header::CONTENT_TYPE};

/// What is not the hub: the page and its files.
pub(crate) async fn serve(request: Request<Incoming>) -> Response<Body> {
    let (kind, body) = match request.uri().path() {
        "/" => ("text/html", Body::from(include_str!("index.html"))),
        "/style.css" => ("text/css", Body::from(include_str!("style.css"))),
        "/chat.js" => ("text/javascript", Body::from(include_str!("chat.js"))),
        "/signalr.js" if let Ok(script) = fs::read(interop().join(CLIENT)) => {
            ("text/javascript", Body::from(script))
        }
        _ => return answer(StatusCode::NOT_FOUND, "text/plain", Body::from("Not found.")),
    };
    answer(StatusCode::OK, kind, body)
}

fn answer(status: StatusCode, kind: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(kind) = format!("{kind}; charset=utf-8").parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

const CLIENT: &str = "node_modules/@microsoft/signalr/dist/browser/signalr.js";

fn interop() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/interop"))
}

/// Lets npm fetch the client when it is missing; without npm the page says what to do.
pub(crate) fn install_client() {
    if interop().join(CLIENT).exists() {
        return;
    }
    tracing::info!("running `npm ci` in tests/interop to fetch @microsoft/signalr");
    let npm = Command::new("npm").arg("ci").current_dir(interop()).stdout(io::stderr()).status();
    match npm {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::warn!("`npm ci` failed: {status}; the page will have no client"),
        Err(error) => tracing::warn!("npm cannot be run: {error}; the page will have no client"),
    }
}
