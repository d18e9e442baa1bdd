//! The first record each way.

use hub_proto::DecodeError;
use hub_proto::framing;
use hub_proto::handshake::{HandshakeRequest, parse_response, write_response};

/// Takes `input`, or its first record, for a request and for a response.
pub fn run(input: &[u8]) {
    let body = framing::text(input, 0).map_or(input, |record| record.body);
    match HandshakeRequest::parse(body) {
        Ok(request) => {
            let mut written = Vec::new();
            request.write(&mut written);
            assert_eq!(HandshakeRequest::parse(one_record(&written)), Ok(request));
        }
        Err(error) => describe(&error),
    }
    match parse_response(body) {
        Ok(error) => {
            let mut written = Vec::new();
            write_response(error.as_deref(), &mut written);
            assert_eq!(parse_response(one_record(&written)), Ok(error));
        }
        Err(error) => describe(&error),
    }
}

fn one_record(written: &[u8]) -> &[u8] {
    let record = framing::text(written, 0).expect("a whole record");
    assert_eq!(record.size, written.len(), "one record");
    record.body
}

fn describe(error: &DecodeError) {
    assert!(!error.to_string().is_empty());
    assert!(!error.kind().is_empty());
    assert!(error.exception().ends_with("Exception"));
}
