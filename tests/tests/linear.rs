//! Work is linear in the input, whatever a peer sends: instructions are counted at 1, 2, 4 and 8 times the size.
//!
//! Counts, unlike times, are the same on a busy machine. They are valgrind's, without which these tests are ignored.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use tests::linear::{Shape, shapes};
use tests::node;

const PROGRAM: &str = env!("CARGO_BIN_EXE_linear");
const SIZES: [usize; 4] = [4096, 8192, 16384, 32768];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match Command::new("valgrind").arg("--version").output() {
        Ok(done) if done.status.success() => trials(),
        _ => vec![node::missing("linear", "valgrind not found".to_owned())],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = shapes()
        .map(|shape| Trial::test(format!("linear::{}", shape.name), move || is_linear(shape)))
        .collect();
    for work in ["envelope", "check", "msgpack envelope", "msgpack check"] {
        let name = work.replace(' ', "_");
        let name = format!("{name}_costs_at_most_twice_as_much_for_depth_as_for_breadth");
        trials.push(Trial::test(name, move || depth_is_cheap(work)));
    }
    trials
}

fn is_linear(shape: Shape) -> Result<(), Failed> {
    let counts = instructions(shape.name)?;
    // Names are sorted to find one that is there twice.
    let most = if shape.name == "msgpack envelope: headers" { 225 } else { 210 };
    // What is there once, whatever the size, only makes the steps smaller.
    if counts.windows(2).all(|pair| pair[1] <= pair[0] * most / 100) {
        return Ok(());
    }
    Err(format!("{counts:?} instructions for {SIZES:?} bytes").into())
}

fn depth_is_cheap(work: &str) -> Result<(), Failed> {
    let [depth, breadth] = ["depth at the limit", "breadth"]
        .map(|shape| instructions(&format!("{work}: {shape}")).map(|counts| counts[3]));
    let (depth, breadth) = (depth?, breadth?);
    if depth <= breadth * 2 {
        return Ok(());
    }
    Err(format!("{depth} instructions for depth, {breadth} for breadth").into())
}

/// The instructions of one shape's work at each of the sizes.
fn instructions(shape: &str) -> Result<[u64; SIZES.len()], Failed> {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("linear").join(shape.replace(' ', "-"));
    fs::create_dir_all(&folder)?;
    let out = folder.join("counts");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--collect-atstart=no"]);
    // Of two options with one and the same pattern, valgrind 3.19 obeys the first only.
    command.args(["--toggle-collect=*::measured*", "--dump-after=linear::measured*"]);
    command.arg(format!("--callgrind-out-file={}", out.display())).args([PROGRAM, shape]);
    let done = command.args(SIZES.map(|size| size.to_string())).output()?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    let mut counts = [0; SIZES.len()];
    for (n, count) in (1..).zip(&mut counts) {
        let text = fs::read_to_string(out.with_extension(n.to_string()))?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        *count = total.ok_or("callgrind gives no total")?.trim().parse()?;
        if *count < 100 {
            return Err("nothing was counted".into());
        }
    }
    Ok(counts)
}
