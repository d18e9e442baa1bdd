//! What a client makes of a negotiate response, and of the redirects in it.

use hub_proto::negotiate::{self, AvailableTransport, NegotiateResponse};
use hub_proto::{DecodeError, JsonType};

fn parse(body: &str) -> Result<NegotiateResponse, DecodeError> {
    NegotiateResponse::parse(body.as_bytes()).map_err(|error| error.0)
}

fn offered(transport: &str, formats: &[&str]) -> AvailableTransport {
    let transfer_formats = formats.iter().map(|&format| format.to_owned()).collect();
    AvailableTransport { transport: Some(transport.to_owned()), transfer_formats }
}

fn response(version: i32) -> NegotiateResponse {
    NegotiateResponse {
        negotiate_version: version,
        connection_id: Some("the id".to_owned()),
        connection_token: (version > 0).then(|| "the-token".to_owned()),
        available_transports: Some(vec![offered("WebSockets", &["Text", "Binary"])]),
        ..NegotiateResponse::default()
    }
}

#[test]
fn both_versions_are_read_as_they_were_written() {
    for version in [0, 1] {
        for use_stateful_reconnect in [false, true] {
            let written = NegotiateResponse { use_stateful_reconnect, ..response(version) };
            assert_eq!(NegotiateResponse::parse(&written.encode()), Ok(written));
        }
    }
}

#[test]
fn a_redirect_is_read_as_it_was_written() {
    for access_token in [None, Some("a token".to_owned())] {
        let url = Some("https://example.com/chat?q=1".to_owned());
        let available_transports = Some(Vec::new());
        let written =
            NegotiateResponse { url, access_token, available_transports, ..Default::default() };
        assert_eq!(NegotiateResponse::parse(&written.encode()), Ok(written));
    }
}

#[test]
fn a_redirect_needs_no_other_member_and_may_have_any() {
    assert_eq!(parse(r#"{"url":"u"}"#).unwrap().url.as_deref(), Some("u"));
    let full = parse(
        r#"{"negotiateVersion":1,"accessToken":"t","availableTransports":[],"url":"u","x":[{}]}"#,
    );
    let full = full.unwrap();
    assert_eq!((full.url.as_deref(), full.access_token.as_deref()), (Some("u"), Some("t")));
    assert_eq!(full.token(), None);
    let wrong = DecodeError::Type { name: "url", wanted: JsonType::String };
    assert_eq!(parse(r#"{"url":null,"connectionId":"i","availableTransports":[]}"#), Err(wrong));
}

#[test]
fn unknown_members_and_transports_are_no_error() {
    let body = r#"{"tokenLifetimeSeconds":3600,"a":null,"b":{"c":[1,{"d":"\u0041"}]},"e":true,
        "negotiateVersion":1,"connectionId":"i","connectionToken":"t","availableTransports":[
        {"f":-1.5e3,"transport":"Pigeons","g":[[]],"transferFormats":["Scroll"],"h":{}}]}"#;
    let response = parse(body).unwrap();
    assert_eq!(response.available_transports, Some(vec![offered("Pigeons", &["Scroll"])]));
}

#[test]
fn transports_connect_with_the_id_in_version_0_and_with_the_token_from_1_on() {
    assert_eq!(response(0).token(), Some("the id"));
    assert_eq!(response(1).token(), Some("the-token"));
    let body = r#"{"connectionId":"i","connectionToken":"t","availableTransports":[]}"#;
    assert_eq!(parse(body).unwrap().token(), Some("i"));
}

#[test]
fn negotiate_is_the_end_of_the_path() {
    for (endpoint, expected) in [
        ("http://host/chat", "http://host/chat/negotiate?negotiateVersion=1"),
        ("http://host/chat/", "http://host/chat/negotiate?negotiateVersion=1"),
        ("http://host", "http://host/negotiate?negotiateVersion=1"),
        ("http://host?q=1", "http://host/negotiate?q=1&negotiateVersion=1"),
        ("http://host/chat?q=a/b?", "http://host/chat/negotiate?q=a/b?&negotiateVersion=1"),
        ("http://host/chat/?q=1&r", "http://host/chat/negotiate?q=1&r&negotiateVersion=1"),
        ("http://host/chat?", "http://host/chat/negotiate?negotiateVersion=1"),
        ("http://host/chat?q=1&", "http://host/chat/negotiate?q=1&negotiateVersion=1"),
        ("http://host/chat?q=1#here?", "http://host/chat/negotiate?q=1&negotiateVersion=1"),
        ("/chat", "/chat/negotiate?negotiateVersion=1"),
    ] {
        assert_eq!(negotiate::url(endpoint, false), expected, "{endpoint}");
    }
}

#[test]
fn what_the_query_says_already_is_not_said_again() {
    for (query, expected) in [
        ("", "negotiateVersion=1&useStatefulReconnect=true"),
        ("negotiateVersion=0", "negotiateVersion=0&useStatefulReconnect=true"),
        ("NEGOTIATEVERSION=0", "NEGOTIATEVERSION=0&useStatefulReconnect=true"),
        ("useStatefulReconnect=false", "useStatefulReconnect=false&negotiateVersion=1"),
        ("negotiateVersions=0", "negotiateVersions=0&negotiateVersion=1&useStatefulReconnect=true"),
    ] {
        let url = negotiate::url(&format!("http://host/chat?{query}"), true);
        assert_eq!(url, format!("http://host/chat/negotiate?{expected}"));
    }
}
