//! The negotiate request and its answers.

use bytes::Bytes;
use hub_proto::negotiate::{AvailableTransport, NegotiateResponse};

use super::{Answer, Transports, query};

/// The highest version of negotiation there is; who asks for more gets this one.
const HIGHEST: i32 = 1;

/// The version to answer with, 0 or 1, or the text of the refusal.
pub(super) fn version(query: &str, minimum: u8) -> Result<i32, String> {
    let asked = match query::value(query, "negotiateVersion") {
        None => 0,
        Some(text) => integer(&text)
            .ok_or_else(|| "The client requested a non-integer protocol version.".to_owned())?,
    };
    if asked < i32::from(minimum) {
        return Err(format!(
            "The client requested version '{asked}', but the server does not support this version."
        ));
    }
    Ok(asked.min(HIGHEST))
}

/// 32 bits, an optional sign, white space around it.
fn integer(text: &str) -> Option<i32> {
    trim(text).parse().ok()
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, '\t'..='\r' | ' '))
}

/// Whether a client asks to be able to resume its connection: by the word, in any case, white space
/// around it.
pub(super) fn asks_to_resume(query: &str) -> bool {
    query::value(query, "useStatefulReconnect")
        .is_some_and(|text| trim(&text).eq_ignore_ascii_case("true"))
}

/// The answer to a client that may connect.
pub(super) fn accepted(
    version: i32,
    connection_id: &str,
    connection_token: Option<&str>,
    transports: Transports,
    resumable: bool,
) -> Answer {
    answer(&NegotiateResponse {
        use_stateful_reconnect: resumable,
        negotiate_version: version,
        connection_id: Some(connection_id.to_owned()),
        connection_token: connection_token.map(str::to_owned),
        available_transports: Some(transports.names().map(available).collect()),
        ..NegotiateResponse::default()
    })
}

/// The answer to a client that may not connect; it is a success of HTTP.
pub(super) fn refused(text: String) -> Answer {
    answer(&NegotiateResponse { error: Some(text), ..NegotiateResponse::default() })
}

fn available(name: &str) -> AvailableTransport {
    let formats: &[&str] = if name == "ServerSentEvents" { &["Text"] } else { &["Text", "Binary"] };
    AvailableTransport {
        transport: Some(name.to_owned()),
        transfer_formats: formats.iter().map(|&format| format.to_owned()).collect(),
    }
}

fn answer(response: &NegotiateResponse) -> Answer {
    Answer::json(Bytes::from(response.encode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_INTEGER: &str = "The client requested a non-integer protocol version.";

    #[test]
    fn versions() {
        let unsupported = |asked: &str| {
            format!(
                "The client requested version '{asked}', but the server does not support this version."
            )
        };
        let rows = [
            ("", 0, Ok(0)),
            ("negotiateVersion=0", 0, Ok(0)),
            ("negotiateVersion=1", 0, Ok(1)),
            ("NegotiateVersion=1", 0, Ok(1)),
            ("negotiateVersion=2147483647", 0, Ok(1)),
            ("x=y&NEGOTIATEVERSION=1&z", 0, Ok(1)),
            ("negotiateVersion=+1", 0, Ok(1)),
            ("negotiateVersion=%2b1", 0, Ok(1)),
            ("negotiateVersion=%09 1%0D", 0, Ok(1)),
            ("negotiateVersion=-1", 0, Err(unsupported("-1"))),
            ("negotiateVersion=-0", 0, Ok(0)),
            ("", 1, Err(unsupported("0"))),
            ("negotiateVersion=0", 1, Err(unsupported("0"))),
            ("negotiateVersion=1", 1, Ok(1)),
            ("negotiateVersion=1", 2, Err(unsupported("1"))),
            ("negotiateVersion=2", 2, Ok(1)),
            ("negotiateVersion", 0, Err(NO_INTEGER.to_owned())),
            ("negotiateVersion=", 0, Err(NO_INTEGER.to_owned())),
            ("negotiateVersion=one", 0, Err(NO_INTEGER.to_owned())),
            ("negotiateVersion=1.0", 0, Err(NO_INTEGER.to_owned())),
            ("negotiateVersion=0x1", 0, Err(NO_INTEGER.to_owned())),
            ("negotiateVersion=2147483648", 0, Err(NO_INTEGER.to_owned())),
            ("negotiateVersion=1&negotiateVersion=1", 0, Err(NO_INTEGER.to_owned())),
        ];
        for (query, minimum, expected) in rows {
            assert_eq!(version(query, minimum), expected, "{query} {minimum}");
        }
    }

    #[test]
    fn every_transport_is_offered_with_its_formats() {
        let all =
            Transports::WEB_SOCKETS | Transports::SERVER_SENT_EVENTS | Transports::LONG_POLLING;
        assert_eq!(
            accepted(1, "i", Some("t"), all, false).body,
            concat!(
                r#"{"negotiateVersion":1,"connectionId":"i","connectionToken":"t","availableTransports":["#,
                r#"{"transport":"WebSockets","transferFormats":["Text","Binary"]},"#,
                r#"{"transport":"ServerSentEvents","transferFormats":["Text"]},"#,
                r#"{"transport":"LongPolling","transferFormats":["Text","Binary"]}]}"#
            )
        );
    }

    #[test]
    fn version_0_names_no_token_and_an_empty_offer_is_written() {
        assert_eq!(
            accepted(0, "i", None, Transports::NONE, false).body,
            r#"{"negotiateVersion":0,"connectionId":"i","availableTransports":[]}"#
        );
    }

    #[test]
    fn the_grant_to_resume_comes_first() {
        assert_eq!(
            accepted(1, "i", Some("t"), Transports::NONE, true).body,
            concat!(
                r#"{"useStatefulReconnect":true,"negotiateVersion":1,"connectionId":"i","#,
                r#""connectionToken":"t","availableTransports":[]}"#
            )
        );
    }

    #[test]
    fn resuming_is_asked_for_by_a_word() {
        let rows = [
            ("", false),
            ("useStatefulReconnect", false),
            ("useStatefulReconnect=", false),
            ("useStatefulReconnect=false", false),
            ("useStatefulReconnect=1", false),
            ("useStatefulReconnect=true", true),
            ("negotiateVersion=1&USESTATEFULRECONNECT=True", true),
            ("useStatefulReconnect=+TRUE%09", true),
            ("useStatefulReconnect=true&useStatefulReconnect=true", false),
        ];
        for (query, asks) in rows {
            assert_eq!(asks_to_resume(query), asks, "{query}");
        }
    }

    #[test]
    fn a_refusal_has_nothing_but_its_text() {
        let answer = refused("\"a\\b\"\n".to_owned());
        assert_eq!((answer.status, answer.content_type), (200, Some("application/json")));
        assert_eq!(answer.body, "{\"error\":\"\\\"a\\\\b\\\"\\n\"}");
    }
}
