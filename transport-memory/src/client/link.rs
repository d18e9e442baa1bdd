//! How a client gets its link: the first one, another one, or one that carries on.

use std::future::poll_fn;
use std::panic::Location;
use std::sync::Arc;

use hub_proto::handshake::{HandshakeRequest, parse_response};
use hub_proto::ws::Opcode;
use hub_proto::{Message, framing};

use super::driver::Driver;
use super::resume::Resume;
use super::state::{Inner, opcode};
use super::{Ended, Refused};
use crate::socket::{Heard, WebSocket, write_frame};

/// Opens a link: one that carries the connection on where that is possible, otherwise one of a new connection.
pub(super) async fn open(
    inner: &Arc<Inner>,
    at: &'static Location<'static>,
) -> Result<(), Refused> {
    let number = inner.open();
    let resume = inner.lock().resume.take();
    let (link, partial) = match resume {
        Some(resume) => (carry_on(inner, number, resume)?, Vec::new()),
        None => begin(inner, number, at).await?,
    };
    let mut driver = Driver::new(Arc::clone(inner), link, partial);
    drop(inner.world().spawn(poll_fn(move |cx| driver.poll(cx))));
    Ok(())
}

fn carry_on(inner: &Inner, number: u64, resume: Resume) -> Result<WebSocket, Refused> {
    let options = &inner.options;
    let link = options.served.open(options, Some(&resume.token)).map_err(|status| {
        inner.change(|state| state.fail_calls());
        Refused::Status(status)
    })?;
    let (first, records) = resume.again();
    let (opcode, mut record, mut out) = (opcode(options.encoding), Vec::new(), Vec::new());
    options.encoding.encode(&Message::Sequence(first), &mut record);
    write_frame(&mut out, true, opcode, &record);
    for record in records {
        write_frame(&mut out, true, opcode, record);
    }
    inner.begin(number, Some(resume), out).map_err(Refused::Ended)?;
    Ok(link)
}

async fn begin(
    inner: &Inner,
    number: u64,
    at: &'static Location<'static>,
) -> Result<(WebSocket, Vec<u8>), Refused> {
    let options = &inner.options;
    let token =
        if options.stateful { Some(options.served.negotiate(options, at).await?) } else { None };
    let mut link = options.served.open(options, token.as_deref()).map_err(Refused::Status)?;
    let version = if token.is_some() { 2 } else { 1 };
    let mut request = Vec::new();
    HandshakeRequest { protocol: options.encoding.name().into(), version }.write(&mut request);
    link.frame(Opcode::Text, &request).await;
    let answered = inner.world().within(options.patience, answer(&mut link, at)).await;
    let rest = match answered {
        Some(rest) => rest?,
        None => panic!("{at}: the handshake was not answered in {:?}", options.patience),
    };
    inner.begin(number, token.map(Resume::new), Vec::new()).map_err(Refused::Ended)?;
    // Nobody waits for an answer to what the connection before was asked.
    inner.lock().asked.clear();
    inner.say(&Message::Ping).map_err(Refused::Ended)?;
    Ok((link, rest))
}

/// Waits for the answer to the handshake; what has come behind it.
async fn answer(link: &mut WebSocket, at: &'static Location<'static>) -> Result<Vec<u8>, Refused> {
    let (mut come, mut ended) = (Vec::new(), Ended::default());
    loop {
        match link.next().await {
            Heard::Data { bytes, .. } => come.extend_from_slice(&bytes),
            Heard::Close(close) => ended.code = Some(close.map_or(1005, |close| close.code)),
            Heard::End => return Err(Refused::Ended(ended)),
            Heard::Ping(_) | Heard::Pong(_) => {}
        }
        let Some(record) = framing::text(&come, 0) else { continue };
        return match parse_response(record.body) {
            Ok(None) => Ok(come.split_off(record.size)),
            Ok(Some(error)) => Err(Refused::Handshake(error.into_owned())),
            Err(error) => panic!("{at}: the handshake was answered with {come:?}: {error}"),
        };
    }
}
