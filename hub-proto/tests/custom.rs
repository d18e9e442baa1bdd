//! A third encoding, implemented outside of the crate: every kind of message goes through it.

use hub_proto::erased_serde;
use hub_proto::framing::{NoRecord, Record};
use hub_proto::{
    Arguments, BindError, CancelInvocation, Close, Codec, Completion, DecodeError, Decoded,
    EncodeError, Encoding, Frame, Headers, Invocation, Kind, Message, Outcome, Payload, Prepared,
    Reply, StreamInvocation, StreamItem, TransferFormat, Visit,
};

/// The messages of JSON, one a line.
struct Lines;

const LINES: Encoding = Encoding::Custom(&Lines);

impl Codec for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn format(&self) -> TransferFormat {
        TransferFormat::Text
    }

    fn record<'a>(&self, input: &'a [u8], searched: usize) -> Result<Record<'a>, NoRecord> {
        let unseen = input.get(searched..).unwrap_or_default();
        match unseen.iter().position(|byte| *byte == b'\n') {
            Some(end) => Ok(Record { body: &input[..searched + end], size: searched + end + 1 }),
            None => Err(NoRecord::Incomplete { size: input.len() }),
        }
    }

    fn decode<'a>(&self, record: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        let decoded = Encoding::Json.decode(record);
        let decoded = decoded.map_err(|error| DecodeError::Custom(error.to_string()))?;
        Ok(match decoded {
            Decoded::Message(message) => Decoded::Message(relabelled(message, LINES)),
            skipped @ Decoded::Skipped(_) => skipped,
        })
    }

    fn encode(&self, message: &Message<'_>, out: &mut Vec<u8>) {
        Encoding::Json.encode(&relabelled(message.clone(), Encoding::Json), out);
        *out.last_mut().unwrap() = b'\n';
    }

    fn write(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        Encoding::Json.write(value, out)
    }

    fn read<'a>(&self, raw: &'a [u8], visit: Visit<'_, 'a>) -> Result<(), BindError> {
        self.check(raw)?;
        let mut deserializer = serde_json::Deserializer::from_slice(raw);
        visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut deserializer))
            .map_err(|_| BindError::Shape)
    }

    fn elements<'a>(&self, raw: &'a [u8]) -> Result<Vec<&'a [u8]>, BindError> {
        self.check(raw)?;
        let values = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(raw);
        let values = values.map_err(|_| BindError::NotAList)?;
        Ok(values.into_iter().map(|value| value.get().as_bytes()).collect())
    }

    fn check(&self, raw: &[u8]) -> Result<(), BindError> {
        Payload::new(Encoding::Json, raw).check()
    }
}

/// The same message, whose payload says that it is in another encoding.
fn relabelled(mut message: Message<'_>, encoding: Encoding) -> Message<'_> {
    let payload = match &mut message {
        Message::Invocation(call) => &mut call.arguments,
        Message::StreamInvocation(call) => &mut call.arguments,
        Message::StreamItem(item) => &mut item.item,
        Message::Completion(Completion { outcome: Outcome::Result(result), .. }) => result,
        _ => return message,
    };
    *payload = Payload::new(encoding, payload.raw());
    message
}

fn decoded(frame: &Frame) -> Message<'_> {
    let record = LINES.record(frame.payload(), 0).expect("a whole record");
    assert_eq!(record.size, frame.payload().len());
    match LINES.decode(record.body) {
        Ok(Decoded::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

#[test]
fn every_kind_of_message_comes_back_as_it_was() {
    let list = Payload::new(LINES, b"[1,\"two\"]");
    let headers = Headers::default;
    let messages = [
        Message::Invocation(Invocation {
            id: Some("1".into()),
            target: "Add".into(),
            arguments: list,
            stream_ids: Some(vec!["s".into()]),
            headers: headers(),
        }),
        Message::StreamItem(StreamItem { id: "s".into(), item: list, headers: headers() }),
        Message::Completion(Completion {
            id: "1".into(),
            outcome: Outcome::Result(list),
            headers: headers(),
        }),
        Message::StreamInvocation(StreamInvocation {
            id: "2".into(),
            target: "Count".into(),
            arguments: list,
            stream_ids: None,
            headers: headers(),
        }),
        Message::CancelInvocation(CancelInvocation { id: "2".into(), headers: headers() }),
        Message::Ping,
        Message::Close(Close { error: Some("no".into()), allow_reconnect: true }),
        Message::Ack(1),
        Message::Sequence(2),
    ];
    for message in messages {
        let frame = Frame::message(LINES, &message);
        assert_eq!(frame.payload().last(), Some(&b'\n'));
        assert_eq!(decoded(&frame), message);
    }
}

#[test]
fn typed_values_are_written_and_read() {
    let frame = Frame::invocation(LINES, None, "Add", &(1, "two")).expect("serializable");
    assert_eq!(frame.payload(), b"{\"type\":1,\"target\":\"Add\",\"arguments\":[1,\"two\"]}\n");
    let Message::Invocation(call) = decoded(&frame) else { panic!("no Invocation") };
    assert_eq!(call.arguments.bind::<(i32, &str)>(), Ok((1, "two")));
    assert_eq!(call.arguments.bind::<(i32, i32)>(), Err(BindError::Shape));
    let count = BindError::Count { provided: 2, expected: 1 };
    assert_eq!(call.arguments.bind::<(i32,)>(), Err(count));
    assert_eq!(Payload::new(LINES, b"[1").bind::<(i32,)>(), Err(BindError::Syntax));
    assert_eq!(Payload::new(LINES, b"{}").bind::<()>(), Err(BindError::NotAList));

    let answer = Reply::new(LINES, Some("7")).result(&[1.5]).expect("serializable").unwrap();
    let Message::Completion(completion) = decoded(&answer) else { panic!("no Completion") };
    let Outcome::Result(result) = completion.outcome else { panic!("no result") };
    assert_eq!(result.read::<Vec<f64>>(), Ok(vec![1.5]));
    let mut nothing = Vec::new();
    ().write(LINES, &mut nothing).expect("serializable");
    assert_eq!(nothing, b"[]");
}

#[test]
fn a_value_that_cannot_be_written_is_the_senders_fault() {
    let maps = std::collections::HashMap::from([((1, 2), 3)]);
    assert!(Frame::invocation(LINES, None, "Add", &(maps,)).is_err());
}

#[test]
fn it_is_known_by_its_name_and_has_frames_of_its_own() {
    static AGAIN: Lines = Lines;
    assert_eq!(LINES, Encoding::Custom(&AGAIN));
    assert_ne!(LINES, Encoding::Json);
    let offered = [Encoding::MessagePack, LINES];
    assert_eq!(Encoding::by_name("Lines", &offered), Some(LINES));
    assert_eq!(Encoding::by_name("json", &offered), None);

    let mut prepared = Prepared::new("Tell", &("all",));
    for encoding in [Encoding::Json, Encoding::MessagePack, LINES, Encoding::Custom(&AGAIN)] {
        assert_eq!(prepared.encode(encoding).map_err(|error| error.to_string()), Ok(()));
    }
    let ends =
        |encoding| prepared.frame(encoding).and_then(|frame| frame.payload().last().copied());
    assert_eq!(ends(Encoding::Json), Some(0x1E));
    assert_eq!(ends(Encoding::MessagePack), Some(0x90));
    assert_eq!(ends(LINES), Some(b'\n'));
    assert_eq!(prepared.frame(LINES).map(Frame::kind), Some(Kind::Counted));
}

#[test]
fn what_is_no_message_of_it_is_told_in_its_own_words() {
    let error = LINES.decode(b"{\"type\":5}").expect_err("no id");
    assert_eq!(error.to_string(), "Missing required property 'invocationId'.");
    assert_eq!(error.kind(), "no message of its encoding");
    assert_eq!(LINES.malformed(), DecodeError::Malformed);
}
