//! The bodies of the fuzz targets: any bytes in, and a panic where a law is broken.
//!
//! The fuzzer runs them on what it makes up; the ordinary test command replays the committed
//! corpus. A body is a pure function of its input, cuts included.

mod application;
mod client;
mod compared;
pub mod connection;
pub mod exchange;
pub mod framing;
pub mod handshake;
mod input;
pub mod json;
pub mod json_diff;
mod machine;
mod message;
pub mod msgpack;
pub mod msgpack_diff;
pub mod negotiate;
mod reading;
pub mod records;
pub mod registry;
pub mod resume;
pub mod roundtrip;
pub mod server;
mod serving;
pub mod sse;
pub mod world;
pub mod ws;
pub mod ws_diff;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Names the binary and the folder of the corpus.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
}

/// Every target, as in `fuzz/Cargo.toml`.
pub const TARGETS: [Target; 17] = [
    Target { name: "framing", run: framing::run },
    Target { name: "json", run: json::run },
    Target { name: "msgpack", run: msgpack::run },
    Target { name: "roundtrip", run: roundtrip::run },
    Target { name: "handshake", run: handshake::run },
    Target { name: "negotiate", run: negotiate::run },
    Target { name: "sse", run: sse::run },
    Target { name: "ws", run: ws::run },
    Target { name: "json_diff", run: json_diff::run },
    Target { name: "msgpack_diff", run: msgpack_diff::run },
    Target { name: "ws_diff", run: ws_diff::run },
    Target { name: "connection", run: connection::run },
    Target { name: "exchange", run: exchange::run },
    Target { name: "registry", run: registry::run },
    Target { name: "server", run: server::run },
    Target { name: "resume", run: resume::run },
    Target { name: "world", run: world::run },
];

/// Cuts `bytes` into pieces, some of them empty, at places that follow from the bytes.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    // FNV-1a for the seed, an LCG from there on.
    let mut state = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let longest = if state >> 63 == 0 { 4 } else { 64 };
        let (piece, after) = rest.split_at(((state >> 33) as usize % longest).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Different ways to hand over the same bytes: at once, in pieces, and, if there are few, one by one.
fn splits(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut splits = vec![vec![bytes], pieces(bytes)];
    if bytes.len() <= 4096 {
        splits.push(bytes.chunks(1).collect());
    }
    splits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_is_the_same_bytes() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for split in splits(&bytes) {
            assert_eq!(split.concat(), bytes);
        }
        assert!(pieces(&bytes).len() > 10);
        assert!(pieces(b"").is_empty());
    }
}
