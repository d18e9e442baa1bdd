//! What an idle connection keeps on the heap. The only test of its program: others would be counted.

use std::alloc::System;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use hub_async::server::Server;
use hub_async::{Hub, RawConnection, State};
use hub_proto::ws::{Opcode, encode};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tests::memory::{read, write};
use transport_memory::{Pipe, World};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that are allocated now.
fn live() -> isize {
    let stats = GLOBAL.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

async fn until(pipe: &Pipe, end: &[u8]) {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        assert!(read(pipe, &mut seen).await, "{}", String::from_utf8_lossy(&seen));
    }
}

async fn say(pipe: &Pipe, text: &[u8]) {
    let mut frame = Vec::new();
    encode::write_frame(&mut frame, true, Opcode::Text, text, Some([1, 2, 3, 4]));
    write(pipe, &frame).await;
}

async fn connect(world: &World, address: SocketAddr, path: &str) -> Pipe {
    let pipe = world.connect(address).expect("a server");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    write(&pipe, request.as_bytes()).await;
    until(&pipe, b"\r\n\r\n").await;
    if path == "/hub" {
        say(&pipe, b"{\"protocol\":\"json\",\"version\":1}\x1e").await;
        until(&pipe, b"{}\x1e").await;
    }
    pipe
}

/// Bytes on the heap for one more connection, with both ends of its pipe, that is idle since it got a
/// message of 16 KB echoed, and one of its methods keeps a word that came along with that.
fn kept(path: &str) -> isize {
    const FEW: usize = 512;
    const MANY: usize = 1536;
    let world = World::new();
    world.run(async {
        let keep = async |kept: State<Mutex<Vec<String>>>, text: String| {
            kept.lock().expect("nobody panics").push(text);
        };
        let hub = Hub::builder()
            .state(Mutex::new(Vec::<String>::with_capacity(MANY)))
            .method("Keep", keep)
            .method("Echo", async |text: String| text)
            .build()
            .expect("a hub");
        let raw = async |mut connection: RawConnection| {
            while let Some(chunk) = connection.receive().await {
                connection.send(chunk.format, &chunk.bytes).await.expect("a client");
            }
        };
        let server = Server::on(world.clone()).hub("/hub", hub).raw("/raw", raw);
        let server = server.bind("127.0.0.1:0").await.expect("an address");
        let address = server.local_addr();
        drop(world.spawn(server.serve()));
        let text = "x".repeat(16_000);
        let call = format!(
            "{{\"type\":1,\"target\":\"Keep\",\"arguments\":[\"little\"]}}\x1e\
             {{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"{text}\"]}}\x1e"
        );
        let mut pipes = Vec::with_capacity(MANY);
        let mut seen = Vec::new();
        for count in [FEW, MANY] {
            while pipes.len() < count {
                let pipe = connect(&world, address, path).await;
                say(&pipe, call.as_bytes()).await;
                until(&pipe, b"\x1e").await;
                pipes.push(pipe);
            }
            // What runs now is done when the next timer is due, and all of them are later than that.
            world.sleep(Duration::from_millis(1)).await;
            seen.push(live());
        }
        (seen[1] - seen[0]) / (MANY - FEW) as isize
    })
}

#[test]
fn an_idle_connection_keeps_little_after_a_large_message() {
    for (path, most) in [("/raw", 1_500), ("/hub", 1_900)] {
        let kept = kept(path);
        println!("{path}: {kept} bytes");
        assert!(kept <= most, "{path}: {kept}");
    }
}
