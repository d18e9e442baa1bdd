//! The application's code around requests.

use std::net::SocketAddr;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hub_async::server::Rest;
use hub_async::{Body, Hub};
use hub_proto::ws::{Opcode, encode};
use hyper::body::Incoming;
use transport_memory::World as Memory;

use super::requests::{UPGRADE, ask};
use super::*;

/// Serves a hub at `/hub`, and `rest of PATH` elsewhere, behind what `around` adds.
async fn server(around: impl FnOnce(Server<Memory>) -> Server<Memory>) -> SocketAddr {
    let hub = Hub::builder().method("Add", async |a: i32, b: i32| a + b).build().unwrap();
    let server = Server::on(world()).hub("/hub", hub).fallback(async |request| {
        let path = request.uri().path();
        assert_ne!(path, "/panic", "as asked for");
        Response::new(Body::from(format!("rest of {path}")))
    });
    let bound = around(server).bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr();
    drop(spawn(bound.serve()));
    address
}

/// The whole answer to a request with these headers and no body.
async fn answer(address: SocketAddr, line: &str, headers: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{headers}\r\n");
    ask(address, request.as_bytes(), "").await
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

/// Lets pages of every origin in.
async fn cors(request: Request<Incoming>, rest: Rest) -> Response<Body> {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return rest.run(request).await;
    };
    let mut response = match *request.method() {
        Method::OPTIONS => status(StatusCode::NO_CONTENT),
        _ => rest.run(request).await,
    };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response
}

/// Marks the answer with a letter, in front of those that it has.
fn mark(letter: &'static str) -> impl Fn(Request<Incoming>, Rest) -> Marking + Clone {
    move |request, rest| {
        Box::pin(async move {
            let mut response = rest.run(request).await;
            let headers = response.headers_mut();
            let inner = headers.get("x-marks").and_then(|marks| marks.to_str().ok());
            let marks = format!("{letter}{}", inner.unwrap_or_default());
            headers.insert("x-marks", HeaderValue::try_from(marks).unwrap());
            response
        })
    }
}

type Marking = std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

#[test]
fn a_middleware_answers_what_no_hub_would() {
    run(async {
        let address = server(|server| server.middleware(cors)).await;
        let origin = "origin: http://elsewhere\r\n";
        let preflight = answer(address, "OPTIONS /hub/negotiate", origin).await;
        assert!(preflight.starts_with("HTTP/1.1 204 "), "{preflight}");
        assert!(preflight.contains("access-control-allow-origin: http://elsewhere\r\n"));
        let plain = answer(address, "OPTIONS /hub/negotiate", "").await;
        assert!(plain.starts_with("HTTP/1.1 405 "), "{plain}");
    });
}

#[test]
fn a_middleware_adds_headers_to_what_hubs_and_others_answer() {
    run(async {
        let address = server(|server| server.middleware(cors)).await;
        let origin = "origin: http://elsewhere\r\n";
        for (line, body) in
            [("POST /hub/negotiate", "availableTransports"), ("GET /page", "rest of /page")]
        {
            let seen = answer(address, line, origin).await;
            assert!(seen.starts_with("HTTP/1.1 200 ") && seen.contains(body), "{seen}");
            assert!(seen.contains("access-control-allow-origin: http://elsewhere\r\n"), "{seen}");
        }
    });
}

#[test]
fn a_request_that_is_refused_goes_no_further() {
    run(async {
        let refuse = async |request: Request<Incoming>, rest: Rest| match request
            .headers()
            .contains_key(header::AUTHORIZATION)
        {
            true => rest.run(request).await,
            false => status(StatusCode::UNAUTHORIZED),
        };
        let address = server(|server| server.middleware(refuse)).await;
        let refused = answer(address, "POST /hub/negotiate", "").await;
        let (head, body) = refused.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{head}");
        assert_eq!(body, "");
        let upgrade = format!("GET /hub HTTP/1.1\r\n{UPGRADE}");
        let refused = ask(address, upgrade.as_bytes(), "\r\n\r\n").await;
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
        let let_in = answer(address, "POST /hub/negotiate", "authorization: Bearer x\r\n").await;
        assert!(let_in.starts_with("HTTP/1.1 200 "), "{let_in}");
    });
}

#[test]
fn an_upgrade_passes_and_its_connection_works() {
    run(async {
        let address = server(|server| server.middleware(mark("a")).middleware(mark("b"))).await;
        let mut request = format!("GET /hub HTTP/1.1\r\n{UPGRADE}").into_bytes();
        let records = "{\"protocol\":\"json\",\"version\":1}\x1e{\"type\":1,\"invocationId\":\"7\",\"target\":\"Add\",\"arguments\":[1,2]}\x1e";
        encode::write_frame(&mut request, true, Opcode::Text, records.as_bytes(), Some([9; 4]));
        let seen = ask(address, &request, "result").await;
        assert!(seen.starts_with("HTTP/1.1 101 ") && seen.contains("x-marks: ab\r\n"), "{seen}");
        assert!(seen.contains("{\"type\":3,\"invocationId\":\"7\",\"result\":3}"), "{seen}");
    });
}

#[test]
fn several_run_in_the_order_in_which_they_were_added() {
    run(async {
        let marked = |server: Server<Memory>| server.middleware(mark("a")).middleware(mark("b"));
        let address = server(|server| marked(server).middleware(mark("c"))).await;
        let seen = answer(address, "GET /page", "").await;
        assert!(seen.contains("x-marks: abc\r\n"), "{seen}");
    });
}

#[test]
fn the_route_is_that_of_the_request_behind_them() {
    run(async {
        let renamed = async |mut request: Request<Incoming>, rest: Rest| {
            let uri = request.uri().to_string().replace("/old", "/hub");
            *request.uri_mut() = uri.parse().unwrap();
            rest.run(request).await
        };
        let address = server(|server| server.middleware(renamed)).await;
        let seen = answer(address, "POST /old/negotiate", "").await;
        assert!(seen.contains("availableTransports"), "{seen}");
    });
}

#[test]
fn a_panic_is_a_500_of_its_request_which_those_outside_of_it_see() {
    run(async {
        let careless = |request: Request<Incoming>, rest: Rest| {
            let path = request.uri().path().to_owned();
            assert_ne!(path, "/call", "as asked for");
            async move {
                assert_ne!(path, "/before", "as asked for");
                let response = rest.run(request).await;
                assert_ne!(path, "/behind", "as asked for");
                response
            }
        };
        let address = server(|server| server.middleware(mark("a")).middleware(careless)).await;
        for path in ["/call", "/before", "/behind", "/panic"] {
            // On one connection: the next request is served as if nothing had been.
            let requests = format!(
                "GET {path} HTTP/1.1\r\nhost: h\r\n\r\nGET /page HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
            );
            let seen = ask(address, requests.as_bytes(), "").await;
            assert!(seen.starts_with("HTTP/1.1 500 "), "{path}: {seen}");
            assert_eq!(seen.matches("x-marks: a\r\n").count(), 2, "{path}: {seen}");
            assert!(seen.ends_with("rest of /page"), "{path}: {seen}");
        }
    });
}
