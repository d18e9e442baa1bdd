//! The texts of failed calls.

use super::*;

#[test]
fn every_fault_of_a_call_has_its_text() {
    let count = BindError::Count { provided: 1, expected: 2 };
    let table = [
        (
            CallFault::UnknownMethod,
            "Failed to invoke 'Add' due to an error on the server. HubException: Method does not exist.",
            None,
        ),
        (
            CallFault::Arguments(count),
            "Failed to invoke 'Add' due to an error on the server.",
            Some(" InvalidDataException: Invocation provides 1 argument(s) but target expects 2."),
        ),
        (
            CallFault::Arguments(BindError::Shape),
            "Failed to invoke 'Add' due to an error on the server.",
            Some(
                " InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.",
            ),
        ),
        (
            CallFault::NotStreaming,
            "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.",
            None,
        ),
        (
            CallFault::Streams { sent: 2, expected: 0 },
            "An unexpected error occurred invoking 'Add' on the server. HubException: Client sent 2 stream(s), Hub method expects 0.",
            None,
        ),
        (
            CallFault::Failed(Some("HubException: no")),
            "An unexpected error occurred invoking 'Add' on the server. HubException: no",
            None,
        ),
        (
            CallFault::Failed(None),
            "An unexpected error occurred invoking 'Add' on the server.",
            None,
        ),
    ];
    for (fault, text, detail) in table {
        assert_eq!(fault.text("Add", false), text);
        assert_eq!(fault.text("Add", true), format!("{text}{}", detail.unwrap_or_default()));
    }
}

#[test]
fn the_callers_spelling_is_echoed() {
    assert!(CallFault::UnknownMethod.text("aDD", false).contains("'aDD'"));
}

#[test]
fn a_setting_of_zero_is_refused_by_name() {
    assert_eq!(Config::default().check(), Ok(()));
    let zero = Duration::ZERO;
    let limits = Limits::default();
    let table = [
        (Config { handshake_timeout: zero, ..Config::default() }, "handshake_timeout"),
        (Config { keep_alive_interval: zero, ..Config::default() }, "keep_alive_interval"),
        (Config { client_timeout_interval: zero, ..Config::default() }, "client_timeout_interval"),
        (
            Config { limits: Limits { parallel_calls: 0, ..limits }, ..Config::default() },
            "maximum_parallel_invocations_per_client",
        ),
        (
            Config { limits: Limits { message: Some(0), ..limits }, ..Config::default() },
            "maximum_receive_message_size",
        ),
    ];
    for (config, name) in table {
        let text = config.check().unwrap_err().to_string();
        assert_eq!(text, format!("{name} must be more than zero"));
    }
    let unlimited = Limits { message: None, ..limits };
    assert_eq!(Config { limits: unlimited, ..Config::default() }.check(), Ok(()));
}
