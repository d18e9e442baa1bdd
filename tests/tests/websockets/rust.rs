//! The other side over tungstenite: what `interop/websocket_peer.mjs` is over `ws`.

use std::collections::VecDeque;
use std::net::{TcpListener, TcpStream};

use tungstenite::protocol::WebSocket;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::{Error, Message};

use super::random::Random;

pub(crate) fn serve(listener: &TcpListener, seed: u32) {
    let mut random = Random::new(seed);
    for stream in listener.incoming().flatten() {
        if let Ok(mut socket) = tungstenite::accept(stream) {
            end(echo(&mut socket, &mut random));
        }
    }
}

/// Connects again and again, until it is refused.
pub(crate) fn connect(address: &str, seed: u32) {
    let mut random = Random::new(seed);
    while let Ok(stream) = TcpStream::connect(address)
        && let Ok((mut socket, _)) = tungstenite::client(format!("ws://{address}/"), stream)
    {
        end(echo(&mut socket, &mut random));
    }
}

/// A connection ends with an error whatever the reason, and our side sees which.
fn end(ended: Result<(), Error>) {
    drop(ended);
}

fn echo(socket: &mut WebSocket<TcpStream>, random: &mut Random) -> Result<(), Error> {
    socket.get_ref().set_nodelay(true)?;
    let (mut waiting, mut pings, mut pongs) = (VecDeque::new(), 0, 0);
    loop {
        let (opcode, payload) = match socket.read()? {
            Message::Text(text) if text == "!report" => {
                socket.send(Message::text(format!("{pings} {pongs}")))?;
                continue;
            }
            Message::Text(text) if text.starts_with("!close ") => {
                let mut words = text.splitn(3, ' ').skip(1);
                let code = words.next().and_then(|code| code.parse::<u16>().ok());
                let reason = words.next().unwrap_or_default().into();
                socket.close(code.map(|code| CloseFrame { code: code.into(), reason }))?;
                continue;
            }
            Message::Pong(payload) => {
                // There are others, that answer nothing.
                pongs += usize::from(waiting.pop_front_if(|ping| *ping == payload).is_some());
                continue;
            }
            Message::Text(text) => (Data::Text, text.as_bytes().to_vec()),
            Message::Binary(bytes) => (Data::Binary, bytes.to_vec()),
            Message::Ping(_) | Message::Close(_) | Message::Frame(_) => continue,
        };
        let pieces = random.cut(&payload, 4);
        for (at, piece) in pieces.iter().enumerate() {
            let opcode = OpCode::Data(if at == 0 { opcode } else { Data::Continue });
            let last = at + 1 == pieces.len();
            let frame = Frame::message(piece.to_vec(), opcode, last);
            socket.send(Message::Frame(frame))?;
            if random.below(3) == 0 {
                let mut payload = format!("ping {pings} ").into_bytes();
                let length = random.below(100);
                payload.extend(random.bytes(length));
                let payload = tungstenite::Bytes::from(payload);
                pings += 1;
                waiting.push_back(payload.clone());
                socket.send(Message::Ping(payload))?;
            }
        }
    }
}
