//! What was read, as the vectors describe it.

use std::borrow::Cow;

use hub_proto::negotiate::NegotiateResponse;
use hub_proto::{
    BindError, CancelInvocation, Close, DecodeError, Elements, Encoding, Headers, Invocation,
    Message, Outcome, Payload, StreamInvocation,
};
use serde_json::{Value, json};

use super::values::Typed;

pub(super) fn message_value(message: &Message<'_>, binding: &Value) -> Result<Value, DecodeError> {
    Ok(match message {
        Message::Invocation(Invocation { id, target, arguments, stream_ids, headers }) => {
            let head = ("Invocation", id.as_deref());
            call_value(head, target, *arguments, stream_ids.as_deref(), headers, binding)?
        }
        Message::StreamInvocation(StreamInvocation {
            id,
            target,
            arguments,
            stream_ids,
            headers,
        }) => {
            let head = ("StreamInvocation", Some(&**id));
            call_value(head, target, *arguments, stream_ids.as_deref(), headers, binding)?
        }
        Message::StreamItem(item) => match bind_one(item.item, &binding["streamItem"]) {
            Ok(value) => {
                json!({"type": "StreamItem", "invocationId": item.id, "item": value, "headers": headers_value(&item.headers)})
            }
            Err(BindError::Syntax) => return Err(item.item.encoding().malformed()),
            Err(error) => {
                let error = text(error, item.item, "item");
                json!({"type": "StreamBindingFailure", "invocationId": item.id, "error": error})
            }
        },
        Message::Completion(completion) => {
            let mut value = json!({"type": "Completion", "invocationId": completion.id, "headers": headers_value(&completion.headers)});
            match &completion.outcome {
                Outcome::Void => value["outcome"] = json!("void"),
                Outcome::Error(error) => {
                    value["outcome"] = json!("error");
                    value["error"] = json!(error);
                }
                Outcome::Result(result) if binding["return"] == "unknown" => {
                    result.check().map_err(|_| result.encoding().malformed())?;
                    // The vectors of MessagePack tell a result that is skipped from none.
                    if result.encoding() == Encoding::Json {
                        value["outcome"] = json!("void");
                    } else {
                        value["outcome"] = json!("result");
                        value["result"] = Value::Null;
                    }
                }
                Outcome::Result(result) => match bind_one(*result, &binding["return"]) {
                    Ok(result) => {
                        value["outcome"] = json!("result");
                        value["result"] = result;
                    }
                    Err(BindError::Syntax) => return Err(result.encoding().malformed()),
                    Err(error) => {
                        let kind = dotnet(&binding["return"]);
                        let error = text(error, *result, "argument");
                        value["outcome"] = json!("error");
                        value["error"] =
                            json!(format!("Error trying to deserialize result to {kind}. {error}"));
                    }
                },
            }
            value
        }
        Message::CancelInvocation(CancelInvocation { id, headers }) => {
            json!({"type": "CancelInvocation", "invocationId": id, "headers": headers_value(headers)})
        }
        Message::Ping => json!({"type": "Ping"}),
        Message::Close(Close { error, allow_reconnect }) => {
            json!({"type": "Close", "error": error, "allowReconnect": allow_reconnect})
        }
        Message::Ack(number) => json!({"type": "Ack", "sequenceId": number}),
        Message::Sequence(number) => json!({"type": "Sequence", "sequenceId": number}),
    })
}

fn call_value(
    (kind, id): (&str, Option<&str>),
    target: &str,
    arguments: Payload<'_>,
    stream_ids: Option<&[Cow<'_, str>]>,
    headers: &Headers<'_>,
    binding: &Value,
) -> Result<Value, DecodeError> {
    match bind_list(arguments, &binding["parameters"]) {
        Ok(arguments) => Ok(json!({
            "type": kind, "invocationId": id, "target": target, "arguments": arguments,
            "streamIds": stream_ids, "headers": headers_value(headers),
        })),
        Err(BindError::Syntax) => Err(arguments.encoding().malformed()),
        Err(error) => Ok(json!({
            "type": "InvocationBindingFailure", "invocationId": id, "target": target, "error": error.to_string(),
        })),
    }
}

/// The text of a value that does not fit. Only a caller knows the types that ASP.NET Core names.
fn text(error: BindError, payload: Payload<'_>, name: &str) -> String {
    if payload.encoding() == Encoding::Json {
        error.to_string()
    } else {
        format!("Deserializing object of the `String` type for '{name}' failed.")
    }
}

fn dotnet(kind: &Value) -> &str {
    if kind == "string" { "String" } else { "Int32" }
}

fn headers_value(headers: &Headers<'_>) -> Value {
    if headers.is_empty() {
        return Value::Null;
    }
    headers
        .iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn bind_list(arguments: Payload<'_>, parameters: &Value) -> Result<Value, BindError> {
    match parameters {
        Value::Array(kinds) => {
            let mut elements = arguments.elements()?;
            let values = kinds.iter().map(|kind| bind_element(&mut elements, kind, kinds.len()));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            elements.finish(kinds.len())?;
            Ok(values.into())
        }
        Value::Null => any(arguments),
        throws => {
            assert_eq!(throws, "throws");
            arguments.check()?;
            Err(BindError::Shape)
        }
    }
}

fn bind_element(
    elements: &mut Elements<'_>,
    kind: &Value,
    expected: usize,
) -> Result<Value, BindError> {
    Ok(match kind.as_str().expect("a kind") {
        "int32" => json!(elements.next::<i32>(expected)?),
        "string" | "datetime" => json!(elements.next::<Option<String>>(expected)?),
        "float32" => match elements.next::<f32>(expected)? {
            whole if whole.fract() == 0.0 => json!(whole as i64),
            other => json!(other),
        },
        "int32[]" => json!(elements.next::<Vec<i32>>(expected)?),
        _ => elements.next(expected)?,
    })
}

fn bind_one(payload: Payload<'_>, kind: &Value) -> Result<Value, BindError> {
    match kind.as_str() {
        Some("int32") => payload.read::<i32>().map(Value::from),
        Some("string" | "datetime") => payload.read::<Option<String>>().map(Value::from),
        Some("throws" | "unknown") => payload.check().and(Err(BindError::Shape)),
        _ => any(payload),
    }
}

fn any(payload: Payload<'_>) -> Result<Value, BindError> {
    match payload.encoding() {
        Encoding::MessagePack => payload.read::<Typed>().map(|typed| typed.0),
        _ => payload.read(),
    }
}

pub(super) fn negotiate_value(response: &NegotiateResponse) -> Value {
    let transports = response.available_transports.as_ref().map(|offered| {
        offered
            .iter()
            .map(|one| json!({"transport": one.transport, "transferFormats": one.transfer_formats}))
            .collect::<Vec<_>>()
    });
    json!({
        "type": "NegotiateResponse", "connectionId": response.connection_id,
        "connectionToken": response.connection_token, "negotiateVersion": response.negotiate_version,
        "availableTransports": transports, "url": response.url, "accessToken": response.access_token,
        "error": response.error, "useStatefulReconnect": response.use_stateful_reconnect,
    })
}
