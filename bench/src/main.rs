//! Will measure the codec, echo, broadcast and the memory of idle connections, each beside its floor:
//! what the same bytes cost without a hub. Nothing is measured yet, and no numbers are published.

fn main() {
    println!("Nothing is measured yet.");
}
