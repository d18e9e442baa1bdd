//! The body of a negotiate response.

use hub_proto::negotiate::NegotiateResponse;

/// Takes `input` for a body; what was read and is written reads as the same.
pub fn run(input: &[u8]) {
    let mut response = match NegotiateResponse::parse(input) {
        Ok(response) => response,
        Err(error) => return assert!(!error.0.to_string().is_empty()),
    };
    let written = response.encode();
    let read = NegotiateResponse::parse(&written);
    if let Some(error) = response.error {
        // Nothing is written beside an error.
        response = NegotiateResponse { error: Some(error), ..NegotiateResponse::default() };
    } else {
        // The token belongs to version 1, and the list is always written.
        response.connection_token =
            response.connection_token.filter(|_| response.negotiate_version > 0);
        response.available_transports.get_or_insert_default();
    }
    assert_eq!(read.as_ref(), Ok(&response));
    assert_eq!(response.encode(), written);
}
